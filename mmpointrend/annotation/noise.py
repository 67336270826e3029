"""Label noise: point annotations with some labels flipped, to study what mistakes cost."""

from typing import Any

import numpy as np


def disturb_labels(
    data: dict[str, Any], share: float, seed: int, distances: np.ndarray | None = None
) -> dict[str, Any]:
    """Flip the labels of a share of all points.

    Args:
        data: A COCO file with valid points. Crowd regions are left alone.
        share: Share of the points in [0, 1]. Of T points, ``round(share * T)`` are flipped.
        seed: Any integer >= 0. With the same seed a larger share flips the same points and more.
        distances: Float (T,), of each point in file order. The points of the smallest distances
            are flipped; which of equally distant ones, the seed decides. None: random points.

    Returns:
        A copy with other labels.
    """
    objects = [ann for ann in data['annotations'] if not ann.get('iscrowd', 0)]
    sizes = [len(ann['point_labels']) for ann in objects]
    draws = np.random.default_rng(seed).random(sum(sizes))
    order = np.lexsort((draws,) if distances is None else (draws, distances))
    flip = np.zeros(len(draws), bool)
    flip[order[: round(share * len(draws))]] = True

    flips = iter(np.split(flip, np.cumsum(sizes)))
    annotations = [
        ann if ann.get('iscrowd', 0) else _flipped(ann, next(flips)) for ann in data['annotations']
    ]
    return {**data, 'annotations': annotations}


def _flipped(ann: dict[str, Any], flip: np.ndarray) -> dict[str, Any]:
    labels = np.asarray(ann['point_labels'], np.int64) ^ flip
    return {**ann, 'point_labels': labels.tolist()}
