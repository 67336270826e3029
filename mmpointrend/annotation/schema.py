"""The point annotation of one object: what a valid one looks like."""

import math
from typing import Any

import numpy as np


class PointAnnotationError(ValueError):
    """An annotation file, or one annotation in it, is not what the format says."""

    @classmethod
    def of(
        cls, ann: dict[str, Any], source: str, found: str, expected: str
    ) -> 'PointAnnotationError':
        """Return the error of one annotation, with the four things its message must name."""
        ann_id = ann.get('id', 'without id')
        return cls(f'{source}: annotation {ann_id}: found {found}, expected {expected}')


def check_keys(ann: dict[str, Any], source: str) -> None:
    """Check that an annotation has what training reads of every one, crowd included.

    Args:
        ann: A COCO annotation.
        source: The file the annotation comes from, for the error message.

    Raises:
        PointAnnotationError: No ``id``, ``image_id``, ``category_id``, ``bbox`` or ``area``, or
            something else than numbers in the last two.
    """
    keys = ('id', 'image_id', 'category_id', 'bbox', 'area')
    for key in keys:
        if key not in ann:
            raise PointAnnotationError.of(ann, source, f'no {key!r}', ', '.join(keys))
    _box(ann, source)
    if not _is_number(ann['area']):
        raise PointAnnotationError.of(ann, source, f'area {short_repr(ann["area"])}', 'a number')


def check_points(
    ann: dict[str, Any], width: int, height: int, source: str
) -> tuple[np.ndarray, np.ndarray]:
    """Check the points of one annotation and return them as arrays.

    Args:
        ann: A COCO annotation with ``point_coords`` (P pairs ``[x, y]`` of integer pixel indices)
            and ``point_labels`` (P values, 1 on the object, 0 off it). P may be 0.
            Crowd annotations have neither: callers skip them.
        width: Image width in pixels; x lies in [0, width - 1].
        height: Image height in pixels; y lies in [0, height - 1].
        source: The file the annotation comes from, for the error message.

    Returns:
        The coordinates, float32 (P, 2), still pixel indices (a pixel's centre is at +0.5), and the
        labels, int8 (P,) in {0, 1}.

    Raises:
        PointAnnotationError: A key is missing, the shapes or lengths are wrong, a value is not an
            integer number, a label is neither 0 nor 1, or a point lies outside the image. The
            message names the source, the annotation id, what was found and what was expected.
    """

    def error(found: str, expected: str) -> PointAnnotationError:
        return PointAnnotationError.of(ann, source, found, expected)

    for key in ('point_coords', 'point_labels'):
        if key not in ann:
            raise error(f'no {key!r}', 'point_coords and point_labels')
    coords, labels = as_numbers(ann['point_coords']), as_numbers(ann['point_labels'])
    if coords is None:
        raise error(f'point_coords {short_repr(ann["point_coords"])}', '[[x, y], ...], numbers')
    if labels is None:
        raise error(f'point_labels {short_repr(ann["point_labels"])}', '[0 or 1, ...]')
    if coords.shape == (0,):
        coords = coords.reshape(0, 2)
    if coords.ndim != 2 or coords.shape[1] != 2:
        raise error(f'point_coords of shape {coords.shape}', 'shape (P, 2), a list of [x, y] pairs')
    if labels.ndim != 1:
        raise error(f'point_labels of shape {labels.shape}', 'shape (P,), one label per point')
    if len(coords) != len(labels):
        raise error(f'{len(coords)} point_coords and {len(labels)} point_labels', 'as many of both')

    # Comparisons with NaN are false, so "not all valid" also catches NaN and infinity.
    valid_label = (labels == 0) | (labels == 1)
    if not valid_label.all():
        index = int(np.argmin(valid_label))
        raise error(f'label {labels[index]} at point {index}', '0 (background) or 1 (object)')
    inside = (coords >= 0) & (coords <= (width - 1, height - 1))
    if not inside.all():
        index = int(np.argmin(inside.all(axis=1)))
        raise error(
            f'point {index} at {coords[index].tolist()}',
            f'pixel indices inside the image, x in [0, {width - 1}] and y in [0, {height - 1}]',
        )
    whole = coords == np.floor(coords)
    if not whole.all():
        index = int(np.argmin(whole.all(axis=1)))
        raise error(
            f'point {index} at {coords[index].tolist()}',
            'integer pixel indices (the floor of a continuous coordinate)',
        )
    return coords.astype(np.float32), labels.astype(np.int8)


def check_box(
    ann: dict[str, Any], width: int, height: int, source: str
) -> tuple[float, float, float, float]:
    """Check the box of one annotation.

    Args:
        ann: A COCO annotation with ``bbox`` ``[x, y, w, h]`` in continuous pixels. Width and
            height may be 0 (COCO has such boxes), the box may reach out of the image.
        width: Image width in pixels.
        height: Image height in pixels.
        source: The file the annotation comes from, for the error message.

    Returns:
        ``(x, y, w, h)``.

    Raises:
        PointAnnotationError: No four finite numbers in ``bbox``, a negative width or height, or
            a box that covers no pixel of the image.
    """

    def error(found: str, expected: str) -> PointAnnotationError:
        return PointAnnotationError.of(ann, source, found, expected)

    box = _box(ann, source)
    if min(box[2:]) < 0:
        raise error(f'bbox {list(box)}', 'a width and a height of 0 or more')
    left, top, right, bottom = box_pixels(box)
    if left >= width or top >= height or right < 0 or bottom < 0:
        raise error(f'bbox {list(box)}', f'a box that meets the image, {width} x {height}')
    return box


def box_pixels(box: tuple[float, float, float, float]) -> tuple[int, int, int, int]:
    """Return the pixels that a box touches.

    Args:
        box: ``(x, y, w, h)`` in continuous pixels. A box without width or height touches the
            column or row it lies in.

    Returns:
        First column, first row, last column, last row, all inclusive; not clipped to an image.
    """
    x, y, w, h = box
    left, top = math.floor(x), math.floor(y)
    return left, top, max(math.ceil(x + w) - 1, left), max(math.ceil(y + h) - 1, top)


def _box(ann: dict[str, Any], source: str) -> tuple[float, float, float, float]:
    box = ann.get('bbox')
    # Without numpy: this is done for every annotation of a dataset while it is loaded.
    if not (isinstance(box, (list, tuple)) and len(box) == 4 and all(map(_is_number, box))):
        expected = 'four finite numbers [x, y, w, h]'
        raise PointAnnotationError.of(ann, source, f'bbox {short_repr(box)}', expected)
    return tuple(box)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and math.isfinite(value)


def as_numbers(value: Any) -> np.ndarray | None:
    """Return a list of numbers as an array; None for anything else, ragged lists included."""
    if not isinstance(value, (list, tuple, np.ndarray)):
        return None
    try:
        array = np.asarray(value)
    except (ValueError, OverflowError):
        return None
    return array if array.dtype.kind in 'iuf' else None


def short_repr(value: Any, limit: int = 60) -> str:
    """Return the beginning of ``repr(value)``, for error messages; arrays look like lists."""
    text = repr(value.tolist() if isinstance(value, np.ndarray) else value)
    return text if len(text) <= limit else f'{text[:limit]}...'
