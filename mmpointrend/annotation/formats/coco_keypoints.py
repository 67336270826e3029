"""COCO keypoints: every tool reads them, and none knows that they say object or background.

Lossy in meaning. A label becomes a visibility: 2 (visible) on the object, 1 (labelled, not
visible) off it; elsewhere 1 is a hidden point *of* the object. A class has as many keypoints as
its object with the most points; the others are filled with 0, 0, 0 (not labelled). Coordinates
are pixel indices in both formats.
"""

import math
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np

from ..files import read_coco, write_json
from ..schema import PointAnnotationError, as_numbers, short_repr

_VISIBILITY = {1: 2, 0: 1}
_LABELS = {visibility: label for label, visibility in _VISIBILITY.items()}


def read(path: Path) -> tuple[dict[str, Any], list[str]]:
    """Read a COCO file with keypoints, as :func:`write` makes it.

    Args:
        path: The file.

    Returns:
        The content of a COCO file with points, and a note for every class whose keypoints have
        names of their own, which points do not have.

    Raises:
        PointAnnotationError: The file is no COCO file with keypoints.
    """
    coco = read_coco(path)[0]
    notes = [
        f'class {category["name"]!r}: names of keypoints left out'
        for category in coco['categories']
        if category.get('keypoints', []) != _names(len(category.get('keypoints', [])))
    ]
    categories = [_without(category, 'keypoints', 'skeleton') for category in coco['categories']]
    annotations = [_to_points(ann, str(path)) for ann in coco['annotations']]
    return {**coco, 'categories': categories, 'annotations': annotations}, notes


def write(coco: dict[str, Any], path: Path) -> None:
    """Write a COCO file with keypoints in place of points."""
    sizes: dict[Any, int] = defaultdict(int)
    for ann in coco['annotations']:
        size = len(ann.get('point_labels', []))
        sizes[ann['category_id']] = max(sizes[ann['category_id']], size)
    categories = [
        {**category, 'keypoints': _names(sizes[category['id']]), 'skeleton': []}
        for category in coco['categories']
    ]
    annotations = [_to_keypoints(ann, sizes[ann['category_id']]) for ann in coco['annotations']]
    write_json(path, {**coco, 'categories': categories, 'annotations': annotations})


def _to_keypoints(ann: dict[str, Any], size: int) -> dict[str, Any]:
    labels = ann.get('point_labels', [])
    triples = [
        [x, y, _VISIBILITY[label]]
        for (x, y), label in zip(ann.get('point_coords', []), labels, strict=True)
    ]
    triples += [[0, 0, 0]] * (size - len(triples))
    return {
        **_without(ann, 'point_coords', 'point_labels'),
        'keypoints': [value for triple in triples for value in triple],
        'num_keypoints': len(labels),
    }


def _to_points(ann: dict[str, Any], source: str) -> dict[str, Any]:
    keypoints = ann.get('keypoints')
    numbers = as_numbers(keypoints)
    if numbers is None or numbers.ndim != 1 or numbers.size % 3 or not np.isfinite(numbers).all():
        found = f'keypoints {short_repr(keypoints)}'
        raise PointAnnotationError.of(ann, source, found, '[x, y, visibility, ...]')
    coords, labels = [], []
    for x, y, visibility in numbers.reshape(-1, 3).tolist():
        if visibility not in (0, *_LABELS):
            found = f'visibility {visibility}'
            raise PointAnnotationError.of(ann, source, found, '0, 1 or 2')
        if visibility:
            coords.append([math.floor(x), math.floor(y)])
            labels.append(_LABELS[visibility])
    rest = _without(ann, 'keypoints', 'num_keypoints')
    if ann.get('iscrowd', 0) and not labels:
        return rest
    return {**rest, 'point_coords': coords, 'point_labels': labels}


def _names(size: int) -> list[str]:
    return [f'point_{index}' for index in range(1, size + 1)]


def _without(item: dict[str, Any], *keys: str) -> dict[str, Any]:
    return {key: value for key, value in item.items() if key not in keys}
