"""Masks of COCO annotations, in the forms that COCO files have."""

from typing import Any

import numpy as np
import pycocotools.mask as mask_api

from .schema import PointAnnotationError, as_numbers, short_repr


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
    return mask_api.decode(_read_rle(ann, width, height, source)[0])


def mask_at(
    ann: dict[str, Any], width: int, height: int, points: np.ndarray, source: str
) -> np.ndarray:
    """Return what the mask of one annotation has at some pixels, without drawing the mask.

    The time depends on the length of the outline and not on the size of the image.

    Args:
        ann: See :func:`decode_segmentation`, like the arguments below and the errors.
        width: Image width in pixels.
        height: Image height in pixels.
        points: Integer (P, 2), the (x, y) of pixels inside the image.
        source: The file the annotation comes from, for the error message.

    Returns:
        Uint8 (P,), 1 on the object.
    """
    ends = _read_rle(ann, width, height, source)[1].cumsum()
    pixels = points[:, 0] * height + points[:, 1]
    return (np.searchsorted(ends, pixels, side='right') % 2).astype(np.uint8)


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


def _read_rle(
    ann: dict[str, Any], width: int, height: int, source: str
) -> tuple[dict[str, Any], np.ndarray]:
    """Return the RLE of an annotation, compressed, and its run lengths; see decode_segmentation."""

    def error(found: str, expected: str) -> PointAnnotationError:
        return PointAnnotationError.of(ann, source, found, expected)

    segmentation = ann.get('segmentation')
    if not segmentation or not isinstance(segmentation, (list, dict)):
        raise error(f'segmentation {short_repr(segmentation)}', 'polygons or an RLE')
    if isinstance(segmentation, list):
        for polygon in segmentation:
            numbers = as_numbers(polygon)
            # pycocotools takes a polygon of four numbers for a box, without a word.
            if numbers is None or numbers.ndim != 1 or numbers.size < 6 or numbers.size % 2:
                raise error(f'polygon {short_repr(polygon)}', '[x, y, ...] of 3 points or more')
            if not np.isfinite(numbers).all():
                raise error(f'polygon {short_repr(polygon)}', 'finite numbers')
        rles = mask_api.frPyObjects(segmentation, height, width)
        rle = rles[0] if len(rles) == 1 else mask_api.merge(rles)
        return rle, _run_lengths(rle['counts'])

    if segmentation.get('size') != [height, width]:
        raise error(f'RLE size {segmentation.get("size")!r}', f'the image, [{height}, {width}]')
    counts, total = segmentation.get('counts'), height * width
    # pycocotools fills what the counts leave open with whatever is in memory.
    if isinstance(counts, list):
        lengths = as_numbers(counts)
        if lengths is None or lengths.sum() != total or lengths.min() < 0:
            raise error(f'RLE counts {short_repr(counts)}', f'lengths that sum to {total}')
        return mask_api.frPyObjects(segmentation, height, width), lengths.astype(np.int64)
    lengths = _run_lengths(counts.encode()) if isinstance(counts, str) else np.zeros(0, np.int64)
    if lengths.sum() != total or lengths.min() < 0:
        raise error(f'RLE counts {short_repr(counts)}', f'a compressed RLE of {total} pixels')
    return segmentation, lengths


def _run_lengths(counts: bytes) -> np.ndarray:
    """Return the run lengths of a compressed RLE, int64 (runs,), background first; none if cut off.

    Each character holds five bits of a number, lowest first, a sign in the last of them and
    whether more follow; from the fourth run on the number is the difference to the run before
    the last one.
    """
    codes = np.frombuffer(counts, np.uint8).astype(np.int64) - 48
    last = np.flatnonzero(codes & 0b100000 == 0)
    if not len(last) or last[-1] != len(codes) - 1:
        return np.zeros(0, np.int64)
    first = np.zeros_like(last)
    first[1:] = last[:-1] + 1
    sizes = last - first + 1
    shifts = 5 * (np.arange(len(codes)) - first.repeat(sizes))
    runs = np.add.reduceat((codes & 0b11111) << shifts, first)
    runs -= (codes[last] >> 4 & 1) << (5 * sizes)
    runs[1::2] = runs[1::2].cumsum()
    runs[2::2] = runs[2::2].cumsum()
    return runs
