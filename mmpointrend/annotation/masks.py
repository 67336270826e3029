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
        return mask_api.decode(mask_api.merge(mask_api.frPyObjects(segmentation, height, width)))

    if segmentation.get('size') != [height, width]:
        raise error(f'RLE size {segmentation.get("size")!r}', f'the image, [{height}, {width}]')
    counts, total = segmentation.get('counts'), height * width
    # pycocotools fills what the counts leave open with whatever is in memory.
    if isinstance(counts, list):
        lengths = as_numbers(counts)
        if lengths is None or lengths.sum() != total or lengths.min() < 0:
            raise error(f'RLE counts {short_repr(counts)}', f'lengths that sum to {total}')
        return mask_api.decode(mask_api.frPyObjects(segmentation, height, width))
    if not isinstance(counts, str) or _count_pixels(counts) != total:
        raise error(f'RLE counts {short_repr(counts)}', f'a compressed RLE of {total} pixels')
    return mask_api.decode(segmentation)


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


def _count_pixels(counts: str) -> int:
    """Return how many pixels the counts of a compressed RLE describe.

    Each character holds five bits of a run length, lowest first, and whether more follow; from
    the fourth run on the number is the difference to the run before the last one.
    """
    runs: list[int] = []
    value = shift = 0
    for code in counts.encode():
        bits = code - 48
        value |= (bits & 0b11111) << shift
        shift += 5
        if not bits & 0b100000:
            if bits & 0b10000:
                value -= 1 << shift
            runs.append(value + runs[-2] if len(runs) > 2 else value)
            value = shift = 0
    return sum(runs)
