"""Annotated points against the masks of the same objects."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .files import image_name
from .masks import decode_segmentation
from .schema import PointAnnotationError, check_box, check_points


@dataclass
class ReferencedPoints:
    """The P points of one object, and what its mask says about them.

    Attributes:
        ann: The annotation of the points.
        labels: Annotated labels, int8 (P,), 1 on the object, 0 off it.
        truth: What the mask has there, int8 (P,).
        distances: Pixels to the object's boundary, float (P,); see :func:`boundary_distances`.
    """

    ann: dict[str, Any]
    labels: np.ndarray
    truth: np.ndarray
    distances: np.ndarray


def reference_points(
    data: dict[str, Any],
    images: dict[Any, dict[str, Any]],
    masks: dict[str, Any],
    mask_images: dict[Any, dict[str, Any]],
    source: str,
    mask_source: str,
) -> Iterator[ReferencedPoints]:
    """Look up the points of each object in its mask; crowd regions are passed over.

    Args:
        data: A COCO file with points.
        images: Its images by id.
        masks: A COCO file with masks; the same object has the same annotation id in both.
        mask_images: Its images by id.
        source: The file of the points, for error messages.
        mask_source: The file of the masks, for error messages.

    Yields:
        One item per object, in the order of ``data``.

    Raises:
        PointAnnotationError: The points or the mask of an object are bad, or there is no mask of
            its annotation id, or that is of another object: on an image of another name or size, of
            a category of another name, or in a box elsewhere. Some annotation tools renumber ids.
    """
    by_id = {ann['id']: ann for ann in masks['annotations']}
    names, mask_names = (
        {category['id']: category['name'] for category in file['categories']}
        for file in (data, masks)
    )
    for ann in data['annotations']:
        if ann.get('iscrowd', 0):
            continue
        width, height = (images[ann['image_id']][side] for side in ('width', 'height'))
        coords, labels = check_points(ann, width, height, source)
        if ann['id'] not in by_id:
            raise PointAnnotationError.of(
                ann, source, f'no annotation of this id in {mask_source}', 'a mask of each object'
            )
        mask_ann = by_id[ann['id']]
        here = _place(ann, images, names, source)
        there = _place(mask_ann, mask_images, mask_names, mask_source)
        for what, value in here.items():
            if there[what] != value:
                raise PointAnnotationError.of(
                    mask_ann, mask_source, f'{what} {there[what]!r}', f'{value!r}, as in {source}'
                )
        box = check_box(ann, width, height, source)
        mask_box = check_box(mask_ann, width, height, mask_source)
        if not _overlap(box, mask_box):
            raise PointAnnotationError.of(
                mask_ann, mask_source, f'bbox {mask_box}', f'one that meets {box}, as in {source}'
            )
        mask = decode_segmentation(mask_ann, width, height, mask_source)
        points = coords.astype(np.int64)
        truth = mask[points[:, 1], points[:, 0]].astype(np.int8)
        yield ReferencedPoints(ann, labels, truth, boundary_distances(mask, points))


def _place(
    ann: dict[str, Any], images: dict[Any, dict[str, Any]], names: dict[Any, str], source: str
) -> dict[str, Any]:
    """What annotations of the same object have in common besides their id."""
    image = images[ann['image_id']]
    return {
        'image': Path(image_name(image, source)).name,
        'image size': (image['width'], image['height']),
        'category': names[ann['category_id']],
    }


def _overlap(box: Sequence[float], other: Sequence[float]) -> bool:
    """Whether boxes (x, y, width, height) have a point in common."""
    return all(
        max(box[axis], other[axis]) <= min(box[axis] + box[axis + 2], other[axis] + other[axis + 2])
        for axis in (0, 1)
    )


def boundary_distances(mask: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Return how far pixels are from the boundary of a mask.

    The distance of a pixel is that of its centre to the centre of the nearest pixel on the other
    side of the boundary: 1 for pixels along it. The border of the image is no boundary.

    Args:
        mask: The mask (H, W), bool or uint8 in {0, 1}.
        points: Integer (P, 2), the (x, y) of pixels inside the image.

    Returns:
        Float64 (P,), in pixels; infinite where the mask has no other side.
    """
    rows, columns = (np.flatnonzero(mask.any(axis)) for axis in (1, 0))
    if not len(rows):
        return np.full(len(points), np.inf)
    # One pixel more than the object: every pixel along the boundary is in there.
    top, left = max(rows[0] - 1, 0), max(columns[0] - 1, 0)
    inside = mask[top : rows[-1] + 2, left : columns[-1] + 2].astype(bool)
    near = np.pad(inside, 1)
    neighbours = np.stack([near[:-2, 1:-1], near[2:, 1:-1], near[1:-1, :-2], near[1:-1, 2:]])

    # The nearest pixel of the other side touches this side, so the pixels along the boundary are
    # enough; those along the border of the image, which come with them, change nothing.
    along = {1: ~inside & neighbours.any(axis=0), 0: inside & ~neighbours.all(axis=0)}
    squared = np.full(len(points), np.inf)
    sides = mask[points[:, 1], points[:, 0]]
    for side, pixels in along.items():
        y, x = np.nonzero(pixels)
        chosen = sides == side
        if len(y) and chosen.any():
            dx = points[chosen, :1] - (x + left)
            dy = points[chosen, 1:] - (y + top)
            squared[chosen] = (dx**2 + dy**2).min(axis=1)
    return np.sqrt(squared)
