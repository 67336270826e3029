"""Point annotations simulated from masks: random points in the box, labelled by the mask.

This is the annotation protocol of "Pointly-Supervised Instance Segmentation" (Cheng et al., CVPR
2022, section 3), with the mask in the annotator's place.
"""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np

from .masks import masks_at
from .parallel import parallel_map
from .schema import box_pixels, check_box

# Annotations that are worked on together: enough of them for numpy, few enough for the cache.
_CHUNK = 256


def place_points(
    annotations: Sequence[dict[str, Any]],
    images: dict[Any, dict[str, Any]],
    unit_points: np.ndarray,
    source: str,
) -> tuple[np.ndarray, np.ndarray]:
    """Return pixels in the boxes of annotations, and what the masks have there.

    Args:
        annotations: N COCO annotations with ``bbox`` and ``segmentation``.
        images: Their images by id, for ``width`` and ``height``.
        unit_points: Float (N, P, 2), the (x, y) of each point in the box, in [0, 1). Where a box
            leaves the image, its part inside counts as the box.
        source: The file the annotations come from, for error messages.

    Returns:
        The (x, y) of pixels, int32 (N, P, 2), and their labels, uint8 (N, P), 1 on the object.

    Raises:
        PointAnnotationError: A box or a segmentation is bad, or a box covers no pixel of its image.
    """
    on_image = [images[ann['image_id']] for ann in annotations]
    sizes = [(image['width'], image['height']) for image in on_image]
    boxes = [
        _box_in_image(check_box(ann, *size, source), *size)
        for ann, size in zip(annotations, sizes, strict=True)
    ]
    start, lengths, first, last = np.array(boxes).reshape(-1, 4, 1, 2).swapaxes(0, 1)
    points = np.floor(unit_points * lengths + start).clip(first, last).astype(np.int32)
    return points, masks_at(annotations, sizes, points, source)


def simulate_points(
    annotations: Sequence[dict[str, Any]],
    images: dict[Any, dict[str, Any]],
    num_points: int,
    seed: int,
    source: str,
    workers: int = 1,
) -> Iterator[dict[str, Any]]:
    """Draw points for each annotation; the result depends on the seed and the annotation alone.

    The points of an annotation are a hash of the seed and its id. They therefore stay the same
    whatever the number of workers is and whatever else the file holds.

    Args:
        annotations: COCO annotations with unique integer ids >= 0.
        images: Their images by id.
        num_points: Points per object (P).
        seed: An integer in [0, 2**64 - 1].
        source: The file the annotations come from, for error messages.
        workers: Number of processes.

    Yields:
        The annotations in their order, objects with P points each, crowd regions without points,
        all without ``segmentation``.

    Raises:
        PointAnnotationError: A box or a segmentation is bad.
    """
    starts = range(0, len(annotations), _CHUNK)
    # Processes get the file once and then numbers, and give arrays: objects are slow to send.
    draw = partial(
        _draw_chunk,
        annotations=annotations,
        images=images,
        num_points=num_points,
        seed=seed,
        source=source,
    )
    drawn = parallel_map(draw, starts, min(workers, len(starts)) or 1)
    for start, (points, labels) in zip(starts, drawn, strict=True):
        found = zip(points.tolist(), labels.tolist(), strict=True)
        for ann in annotations[start : start + _CHUNK]:
            yield _without_mask(ann) if ann.get('iscrowd', 0) else _with_points(ann, *next(found))


def simulate_points_legacy(
    annotations: Sequence[dict[str, Any]],
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
    for start in range(0, len(annotations), _CHUNK):
        chunk = annotations[start : start + _CHUNK]
        unit_points = stream.rand(len(chunk), num_points, 2)
        points, labels = place_points(chunk, images, unit_points, source)
        yield from map(_with_points, chunk, points.tolist(), labels.tolist())


def hashed_points(ids: Sequence[int], num_points: int, seed: int) -> np.ndarray:
    """Return random points that depend on the seed and an id alone.

    Every id has a generator SplitMix64 (Steele et al., "Fast splittable pseudorandom number
    generators", OOPSLA 2014), which starts at a hash of the seed and the id. Its n-th number needs
    none of those before it, so the points of all ids are drawn at once.

    Args:
        ids: N integers >= 0, of which the last 64 bits count.
        num_points: Points per id (P). The first ones are the same for any P.
        seed: An integer in [0, 2**64 - 1].

    Returns:
        Float64 (N, P, 2), uniform in [0, 1).
    """
    start = _mix(np.array([number % 2**64 for number in ids], np.uint64) ^ _mix(np.uint64([seed])))
    steps = np.arange(1, 2 * num_points + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    bits = _mix(start[:, None] + steps) >> np.uint64(11)
    return (bits * 2.0**-53).reshape(-1, num_points, 2)


def _mix(values: np.ndarray) -> np.ndarray:
    """Scramble uint64 values of any shape, different ones to different ones, as SplitMix64 does."""
    values = (values ^ values >> np.uint64(30)) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ values >> np.uint64(27)) * np.uint64(0x94D049BB133111EB)
    return values ^ values >> np.uint64(31)


def _draw_chunk(
    start: int,
    annotations: Sequence[dict[str, Any]],
    images: dict[Any, dict[str, Any]],
    num_points: int,
    seed: int,
    source: str,
) -> tuple[np.ndarray, np.ndarray]:
    """Return points and labels of the objects, without crowd regions, of one chunk."""
    chunk = annotations[start : start + _CHUNK]
    objects = [ann for ann in chunk if not ann.get('iscrowd', 0)]
    unit_points = hashed_points([ann['id'] for ann in objects], num_points, seed)
    return place_points(objects, images, unit_points, source)


def _without_mask(ann: dict[str, Any]) -> dict[str, Any]:
    ann = ann.copy()
    ann.pop('segmentation', None)
    return ann


def _with_points(ann: dict[str, Any], points: list[list[int]], labels: list[int]) -> dict[str, Any]:
    return {**_without_mask(ann), 'point_coords': points, 'point_labels': labels}


def _box_in_image(
    box: tuple[float, float, float, float], width: int, height: int
) -> tuple[float, ...]:
    """Return (x, y) four times, of the part of a box inside the image: start, size, first and last
    pixel.
    """
    x, w = _inside(box[0], box[2], width)
    y, h = _inside(box[1], box[3], height)
    return x, y, w, h, *box_pixels((x, y, w, h))


def _inside(start: float, length: float, limit: int) -> tuple[float, float]:
    """Clip an interval to [0, limit]; one that lies inside comes back bit by bit."""
    if start >= 0 and start + length <= limit:
        return start, length
    begin = max(start, 0.0)
    return begin, min(start + length, limit) - begin
