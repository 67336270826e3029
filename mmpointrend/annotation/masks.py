"""Masks of COCO annotations, in the forms that COCO files have."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pycocotools.mask as mask_api

from .schema import PointAnnotationError, as_numbers, short_repr

# What a character of a compressed RLE says besides its five bits: more of the same number follow.
_MORE = 0b100000


def decode_segmentation(ann: dict[str, Any], width: int, height: int, source: str) -> np.ndarray:
    """Return the mask of one annotation.

    Args:
        ann: A COCO annotation with ``segmentation``: a list of polygons (their union is the
            object), a compressed or an uncompressed RLE.
        width: Image width in pixels.
        height: Image height in pixels.
        source: The file the annotation comes from, for the error message.

    Returns:
        The mask, uint8 (height, width), 1 on the object.

    Raises:
        PointAnnotationError: There is no segmentation, it has none of the three forms, or it is
            of another size than the image.
    """
    (rles,), _ = _read_rles([ann], [(width, height)], source)
    parts = [{'size': [height, width], 'counts': counts} for counts in rles]
    return mask_api.decode(mask_api.merge(parts))


def masks_at(
    annotations: Sequence[dict[str, Any]],
    sizes: Sequence[tuple[int, int]],
    points: np.ndarray,
    source: str,
) -> np.ndarray:
    """Return what the masks of annotations have at some pixels, without drawing the masks.

    The time depends on the length of the outlines and not on the size of the images. Hundreds of
    annotations at once take a fraction of the time that they take one by one.

    Args:
        annotations: N of them; see :func:`decode_segmentation`, like the errors.
        sizes: The (width, height) in pixels of each one's image.
        points: Integer (N, P, 2), the (x, y) of pixels inside the images.
        source: The file the annotations come from, for the error message.

    Returns:
        Uint8 (N, P), 1 on the object.
    """
    rles, runs = _read_rles(annotations, sizes, source)
    width, height = np.array(sizes, np.int64).reshape(-1, 2).T
    num_rles = np.array([len(parts) for parts in rles], np.int64)
    # The pixels of all RLEs on one tape: those of an image column by column, one RLE after another.
    pixels = points[..., 0] * height[:, None] + points[..., 1]
    areas = (width * height).repeat(num_rles)
    pixels = pixels.repeat(num_rles, axis=0) + (areas.cumsum() - areas)[:, None]
    runs_at = runs.cumsum().searchsorted(pixels, side='right')
    return np.bitwise_or.reduceat(
        (runs_at % 2).astype(np.uint8), num_rles.cumsum() - num_rles, axis=0
    )


def pack_polygons(item: dict[str, Any]) -> dict[str, Any]:
    """Turn the polygons of an annotation into arrays, in place.

    As ``object_hook`` of a JSON reader it is called while the file is read. Polygons are most of a
    COCO file, and lists of numbers take four times the memory of arrays.

    Args:
        item: Any JSON object.

    Returns:
        The same object. What is no list of numbers stays in it as it is.
    """
    segmentation = item.get('segmentation')
    if isinstance(segmentation, list):
        item['segmentation'] = [
            polygon if (array := as_numbers(polygon)) is None else array for polygon in segmentation
        ]
    return item


def mask_annotation(
    mask: np.ndarray, ann_id: int, image_id: int, category_id: int
) -> dict[str, Any]:
    """Return the COCO annotation of a mask that is not empty.

    Args:
        mask: The mask (H, W), bool or uint8 in {0, 1}.
        ann_id: Id of the annotation.
        image_id: Id of its image.
        category_id: Id of its category.

    Returns:
        An annotation with the mask as compressed RLE, its tight box and its area in pixels.
    """
    rle = mask_api.encode(np.asfortranarray(mask, dtype=np.uint8))
    return {
        'id': ann_id,
        'image_id': image_id,
        'category_id': category_id,
        'segmentation': {'size': list(rle['size']), 'counts': rle['counts'].decode('ascii')},
        'bbox': mask_api.toBbox(rle).tolist(),
        'area': float(mask_api.area(rle)),
        'iscrowd': 0,
    }


def _read_rles(
    annotations: Sequence[dict[str, Any]], sizes: Sequence[tuple[int, int]], source: str
) -> tuple[list[list[bytes]], np.ndarray]:
    """Return the compressed RLEs whose union is each object, and the run lengths of all of them.

    For the run lengths see :func:`_run_lengths`, for the errors :func:`decode_segmentation`.
    """
    rles = [
        _compress(ann, width, height, source)
        for ann, (width, height) in zip(annotations, sizes, strict=True)
    ]
    runs, first = _run_lengths([counts for parts in rles for counts in parts])
    owners = [index for index, parts in enumerate(rles) for _ in parts]
    areas = np.array([width * height for width, height in sizes], np.int64)[owners]
    # pycocotools fills what the counts leave open with whatever is in memory.
    bad = (np.add.reduceat(runs, first) != areas) | (np.minimum.reduceat(runs, first) < 0)
    if bad.any():
        index = owners[int(bad.argmax())]
        raise _bad_counts(annotations[index], *sizes[index], source)
    return rles, runs


def _compress(ann: dict[str, Any], width: int, height: int, source: str) -> list[bytes]:
    """Return the compressed RLEs whose union is the object; what they sum to is not checked."""

    def error(found: str, expected: str) -> PointAnnotationError:
        return PointAnnotationError.of(ann, source, found, expected)

    segmentation = ann.get('segmentation')
    if not segmentation or not isinstance(segmentation, (list, dict)):
        raise error(f'segmentation {short_repr(segmentation)}', 'polygons or an RLE')
    if isinstance(segmentation, list):
        polygons = [_as_polygon(polygon) for polygon in segmentation]
        for polygon, numbers in zip(segmentation, polygons, strict=True):
            if numbers is None:
                raise error(
                    f'polygon {short_repr(polygon)}', '[x, y, ...] of 3 points or more, all finite'
                )
        return [rle['counts'] for rle in mask_api.frPyObjects(polygons, height, width)]

    if segmentation.get('size') != [height, width]:
        raise error(f'RLE size {segmentation.get("size")!r}', f'the image, [{height}, {width}]')
    counts = segmentation.get('counts')
    if isinstance(counts, list):
        lengths = as_numbers(counts)
        if lengths is None or lengths.sum() != width * height or lengths.min() < 0:
            raise _bad_counts(ann, width, height, source)
        return [mask_api.frPyObjects(segmentation, height, width)['counts']]
    rle = counts.encode() if isinstance(counts, str) else b''
    if not rle or _codes(rle)[-1] & _MORE:
        raise _bad_counts(ann, width, height, source)
    return [rle]


def _as_polygon(value: Any) -> np.ndarray | None:
    """Return a polygon as an array; None for anything else."""
    numbers = as_numbers(value)
    # pycocotools takes a polygon of four numbers for a box, without a word.
    if numbers is None or numbers.ndim != 1 or numbers.size < 6 or numbers.size % 2:
        return None
    # One number to look at, which is not finite if one of them is not: four times as fast.
    return numbers if math.isfinite(numbers.dot(numbers)) else None


def _bad_counts(ann: dict[str, Any], width: int, height: int, source: str) -> PointAnnotationError:
    found = f'RLE counts {short_repr(ann["segmentation"].get("counts"))}'
    return PointAnnotationError.of(ann, source, found, f'an RLE of {width * height} pixels')


def _run_lengths(rles: list[bytes]) -> tuple[np.ndarray, np.ndarray]:
    """Return the run lengths of compressed RLEs one after another, and where each begins.

    Each character holds five bits of a number, lowest first, a sign in the last of them and
    whether more follow; from the fourth run on the number is the difference to the run before
    the last one.

    Args:
        rles: K of them, none empty or cut off within a number.

    Returns:
        Int64 (R,), background first; an RLE with an odd number of runs has one of length 0 more, so
        that those at odd indices are the object. Int64 (K,), the index of the first run of each.
    """
    codes = _codes(b''.join(rles))
    last = np.flatnonzero(codes & _MORE == 0)
    sizes = np.diff(last, prepend=-1)
    numbers = (codes[last] & 0b11111).astype(np.int64)
    numbers -= (numbers & 0b10000) << 1
    for back in range(1, sizes.max(initial=0)):
        longer = np.flatnonzero(sizes > back)
        numbers[longer] = numbers[longer] << 5 | codes[last[longer] - back] & 0b11111

    ends = last.searchsorted(np.cumsum([len(rle) for rle in rles]))
    counts = np.diff(ends, prepend=0)
    padded = counts + counts % 2
    first = padded.cumsum() - padded
    runs = np.zeros(padded.sum(), np.int64)
    runs[np.arange(len(numbers)) + (first - (ends - counts)).repeat(counts)] = numbers

    # With the third run as a difference to the first one, each column is a sum from its start on.
    start = first[counts > 2]
    runs[start + 2] -= runs[start]
    pairs = runs.reshape(-1, 2).cumsum(axis=0)
    before = pairs[first // 2 - 1]
    before[:1] = 0
    runs = (pairs - before.repeat(padded // 2, axis=0)).ravel()
    runs[(first + counts)[counts % 2 == 1]] = 0
    return runs, first


def _codes(rle: bytes) -> np.ndarray:
    return np.frombuffer(rle, np.uint8) - 48
