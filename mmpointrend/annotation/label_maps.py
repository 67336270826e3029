"""Label maps of semantic segmentation: drawn from instances, and thinned out to labelled pixels."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from .masks import decode_segmentation

IGNORED = 255


def draw_labels(
    annotations: Iterable[dict[str, Any]],
    image: dict[str, Any],
    labels: Mapping[Any, int],
    source: str,
) -> np.ndarray:
    """Draw the objects of an image into a label map, smaller ones over larger ones.

    Args:
        annotations: COCO annotations of the image with ``segmentation``.
        image: The image, for ``width`` and ``height``.
        labels: Label in [1, 254] of each category id.
        source: The file the annotations come from, for error messages.

    Returns:
        Uint8 (height, width): the label of the smallest object there is, 255 where there is only a
        crowd region, 0 elsewhere.

    Raises:
        PointAnnotationError: A segmentation is bad.
    """
    width, height = image['width'], image['height']
    drawn = np.zeros((height, width), np.uint8)
    objects = []
    for ann in annotations:
        mask = decode_segmentation(ann, width, height, source).astype(bool)
        if ann.get('iscrowd', 0):
            drawn[mask] = IGNORED
        else:
            objects.append((mask, labels[ann['category_id']]))
    for mask, label in sorted(objects, key=lambda item: item[0].sum(), reverse=True):
        drawn[mask] = label
    return drawn


def sample_labels(
    labels: np.ndarray,
    num_points: int,
    rng: np.random.Generator,
    per_class: bool = True,
    ignored: Iterable[int] = (IGNORED,),
) -> np.ndarray:
    """Keep the labels of some random pixels.

    Args:
        labels: A label map, uint8 (H, W).
        num_points: Pixels to keep.
        rng: Draws the pixels.
        per_class: Whether to keep so many of each class in the image, or in the whole image. All
            are kept where there are fewer.
        ignored: Labels that stand for no class.

    Returns:
        Uint8 (H, W), the label at the pixels that were kept and 255 at all others.
    """
    flat = labels.ravel()
    classes = [label for label in np.unique(flat) if label not in set(ignored)]
    groups = [[label] for label in classes] if per_class else [classes]
    kept = np.full_like(flat, IGNORED)
    for group in groups:
        pixels = np.flatnonzero(np.isin(flat, group))
        # Ranks of plain draws: unlike `choice`, their stream is the same in every numpy.
        draws = rng.random(len(pixels))
        if num_points < len(pixels):
            pixels = pixels[np.argpartition(draws, num_points)[:num_points]]
        kept[pixels] = flat[pixels]
    return kept.reshape(labels.shape)
