"""Point annotations simulated from masks: random points in the box, labelled by the mask.

This is the annotation protocol of "Pointly-Supervised Instance Segmentation" (Cheng et al., CVPR
2022, section 3), with the mask in the annotator's place.
"""

import multiprocessing
from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any

import numpy as np

from .masks import mask_at
from .schema import box_pixels, check_box

_CHUNK = 512


def replace_mask(
    ann: dict[str, Any], image: dict[str, Any], unit_points: np.ndarray, source: str
) -> dict[str, Any]:
    """Return an annotation with points in place of its mask.

    Args:
        ann: A COCO annotation with ``bbox`` and ``segmentation``.
        image: Its image, for ``width`` and ``height``.
        unit_points: Float (P, 2), the (x, y) of each point in the box, in [0, 1).
        source: The file the annotation comes from, for error messages.

    Returns:
        A copy without ``segmentation``, with ``point_coords`` (P pairs [x, y] of integer pixel
        indices) and ``point_labels`` (P values, what the mask has at that pixel). Where the box
        leaves the image, its part inside counts as the box.

    Raises:
        PointAnnotationError: The box or the segmentation is bad, or the box covers no pixel of
            the image.
    """
    width, height = image['width'], image['height']
    box = check_box(ann, width, height, source)
    x, w = _inside(box[0], box[2], width)
    y, h = _inside(box[1], box[3], height)
    left, top, right, bottom = box_pixels((x, y, w, h))
    points = np.floor(unit_points * (w, h) + (x, y)).astype(np.int64)
    points = points.clip((left, top), (min(right, width - 1), min(bottom, height - 1)))
    return {
        **_without_mask(ann),
        'point_coords': points.tolist(),
        'point_labels': mask_at(ann, width, height, points, source).tolist(),
    }


def simulate_points(
    annotations: list[dict[str, Any]],
    images: dict[Any, dict[str, Any]],
    num_points: int,
    seed: int,
    source: str,
    workers: int = 1,
) -> Iterator[dict[str, Any]]:
    """Draw points for each annotation; the result depends on the seed and the annotation alone.

    Every annotation has its own generator, made of the seed and its id. Its points therefore stay
    the same whatever the number of workers is and whatever else the file holds.

    Args:
        annotations: COCO annotations with unique integer ids >= 0.
        images: Their images by id.
        num_points: Points per object (P).
        seed: Any integer >= 0.
        source: The file the annotations come from, for error messages.
        workers: Number of processes.

    Yields:
        The annotations in their order, objects with P points each, crowd regions without points,
        all without ``segmentation``.

    Raises:
        PointAnnotationError: A box or a segmentation is bad.
    """
    chunks = (
        [(ann, images[ann['image_id']]) for ann in annotations[start : start + _CHUNK]]
        for start in range(0, len(annotations), _CHUNK)
    )
    run = partial(_simulate_chunk, num_points=num_points, seed=seed, source=source)
    workers = min(workers, -(-len(annotations) // _CHUNK))
    if workers <= 1:
        for chunk in chunks:
            yield from run(chunk)
        return
    with multiprocessing.Pool(workers) as pool:
        for done in pool.imap(run, chunks):
            yield from done


def simulate_points_legacy(
    annotations: Iterable[dict[str, Any]],
    images: dict[Any, dict[str, Any]],
    num_points: int,
    seed: int,
    source: str,
) -> Iterator[dict[str, Any]]:
    """Draw the points of the published point annotations.

    One stream of numpy's legacy generator runs over all annotations in file order, crowd regions
    included, which get points too. Seed 12345 is the published one.

    Args:
        annotations: COCO annotations.
        images: Their images by id.
        num_points: Points per object (P).
        seed: An integer in [0, 2**32 - 1].
        source: The file the annotations come from, for error messages.

    Yields:
        The annotations in their order with P points each, without ``segmentation``.

    Raises:
        PointAnnotationError: A box or a segmentation is bad.
    """
    stream = np.random.RandomState(seed)
    for ann in annotations:
        yield replace_mask(ann, images[ann['image_id']], stream.rand(num_points, 2), source)


def _simulate_chunk(
    chunk: list[tuple[dict[str, Any], dict[str, Any]]], num_points: int, seed: int, source: str
) -> list[dict[str, Any]]:
    done = []
    for ann, image in chunk:
        if ann.get('iscrowd', 0):
            done.append(_without_mask(ann))
            continue
        rng = np.random.default_rng([seed, ann['id']])
        done.append(replace_mask(ann, image, rng.random((num_points, 2)), source))
    return done


def _without_mask(ann: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in ann.items() if key != 'segmentation'}


def _inside(start: float, length: float, limit: int) -> tuple[float, float]:
    """Clip an interval to [0, limit]; one that lies inside comes back bit by bit."""
    if start >= 0 and start + length <= limit:
        return start, length
    begin = max(start, 0.0)
    return begin, min(start + length, limit) - begin
