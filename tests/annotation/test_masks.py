"""Masks of COCO annotations in their forms, against masks that are drawn by hand."""

import math
from typing import Any

import numpy as np
import pycocotools.mask as mask_api
import pytest

from mmpointrend.annotation import (
    PointAnnotationError,
    decode_segmentation,
    mask_annotation,
    mask_at,
)

WIDTH, HEIGHT = 12, 8


def rectangles(*boxes: tuple[int, int, int, int]) -> np.ndarray:
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    for x, y, w, h in boxes:
        mask[y : y + h, x : x + w] = 1
    return mask


def polygon(x: int, y: int, w: int, h: int) -> list[int]:
    return [x, y, x + w, y, x + w, y + h, x, y + h]


def counts(mask: np.ndarray) -> list[int]:
    """Run lengths, column by column, beginning with background."""
    column = mask.T.ravel()
    edges = np.flatnonzero(np.diff(column, prepend=0)).tolist()
    return np.diff([0, *edges, column.size]).tolist()


def compressed(mask: np.ndarray) -> dict[str, Any]:
    rle = mask_api.encode(np.asfortranarray(mask))
    return {'size': list(mask.shape), 'counts': rle['counts'].decode()}


BOXES = ((1, 2, 3, 4), (7, 1, 4, 6))
MASK = rectangles(*BOXES)


@pytest.mark.parametrize(
    'segmentation',
    [
        [polygon(*box) for box in BOXES],
        compressed(MASK),
        {'size': [HEIGHT, WIDTH], 'counts': counts(MASK)},
    ],
    ids=['polygons', 'compressed', 'uncompressed'],
)
def test_every_form_gives_the_mask(segmentation: Any) -> None:
    mask = decode_segmentation({'id': 3, 'segmentation': segmentation}, WIDTH, HEIGHT, 'a.json')
    np.testing.assert_array_equal(mask, MASK)


@pytest.mark.parametrize('seed', range(20))
def test_compressed_masks_of_any_shape_come_back(seed: int) -> None:
    rng = np.random.default_rng(seed)
    height, width = rng.integers(1, 200, 2)
    expected = (rng.random((height, width)) < rng.choice([0.0, 0.01, 0.5, 1.0])).astype(np.uint8)
    ann = {'id': 3, 'segmentation': compressed(expected)}
    mask = decode_segmentation(ann, int(width), int(height), 'a.json')
    np.testing.assert_array_equal(mask, expected)


def test_overlapping_polygons_are_their_union() -> None:
    boxes = ((1, 1, 5, 5), (3, 3, 6, 4))
    ann = {'id': 3, 'segmentation': [polygon(*box) for box in boxes]}
    mask = decode_segmentation(ann, WIDTH, HEIGHT, 'a.json')
    np.testing.assert_array_equal(mask, rectangles(*boxes))


@pytest.mark.parametrize(
    ('segmentation', 'found'),
    [
        (None, 'segmentation None'),
        ([], 'segmentation []'),
        ('text', "segmentation 'text'"),
        ([[1, 2, 3, 4]], 'polygon [1, 2, 3, 4]'),
        ([[1, 2, 3, 4, 5, 6, 7]], 'polygon [1, 2, 3, 4, 5, 6, 7]'),
        ([[1, 2, 3, 4, 5, 'x']], "polygon [1, 2, 3, 4, 5, 'x']"),
        ([[1, 2, 3, 4, 5, math.nan]], 'polygon [1, 2, 3, 4, 5, nan]'),
        ({'counts': [96]}, 'RLE size None'),
        ({'size': [WIDTH, HEIGHT], 'counts': [96]}, f'RLE size [{WIDTH}, {HEIGHT}]'),
        ({'size': [HEIGHT, WIDTH], 'counts': [90]}, 'RLE counts [90]'),
        ({'size': [HEIGHT, WIDTH], 'counts': [-4, 100]}, 'RLE counts [-4, 100]'),
        ({'size': [HEIGHT, WIDTH], 'counts': []}, 'RLE counts []'),
        ({'size': [HEIGHT, WIDTH]}, 'RLE counts None'),
        ({'size': [HEIGHT, WIDTH], 'counts': 'zz'}, "RLE counts 'zz'"),
        ({'size': [HEIGHT, WIDTH], 'counts': ''}, "RLE counts ''"),
        ({'size': [HEIGHT, WIDTH], 'counts': compressed(MASK)['counts'][:-2]}, 'RLE counts '),
    ],
)
def test_a_bad_segmentation_is_one_error_with_file_and_id(segmentation: Any, found: str) -> None:
    with pytest.raises(PointAnnotationError) as caught:
        decode_segmentation({'id': 3, 'segmentation': segmentation}, WIDTH, HEIGHT, 'a.json')
    assert str(caught.value).startswith(f'a.json: annotation 3: found {found}')
    assert ', expected ' in str(caught.value)


@pytest.mark.parametrize('form', ['polygons', 'compressed', 'uncompressed'])
@pytest.mark.parametrize('seed', range(10))
def test_single_pixels_are_those_of_the_drawn_mask(form: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    height, width = rng.integers(1, 200, 2).tolist()
    noise = (rng.random((height, width)) < rng.choice([0.0, 0.01, 0.5, 1.0])).astype(np.uint8)
    segmentation = {
        'polygons': [(rng.random((9, 2)) * (width, height)).ravel().tolist() for _ in range(3)],
        'compressed': compressed(noise),
        'uncompressed': {'size': [height, width], 'counts': counts(noise)},
    }[form]
    ann = {'id': 3, 'segmentation': segmentation}
    y, x = np.indices((height, width)).reshape(2, -1)
    found = mask_at(ann, width, height, np.stack([x, y], axis=1), 'a.json')
    expected = decode_segmentation(ann, width, height, 'a.json')
    np.testing.assert_array_equal(found.reshape(height, width), expected)


def test_a_compressed_mask_that_is_cut_off_is_an_error() -> None:
    # 'P' says that more bits of its number follow.
    segmentation = {'size': [HEIGHT, WIDTH], 'counts': compressed(MASK)['counts'] + 'P'}
    with pytest.raises(PointAnnotationError, match='expected a compressed RLE of 96 pixels'):
        decode_segmentation({'id': 3, 'segmentation': segmentation}, WIDTH, HEIGHT, 'a.json')


def test_mask_annotation_has_tight_box_area_and_the_mask() -> None:
    ann = mask_annotation(MASK.astype(bool), ann_id=3, image_id=2, category_id=4)
    assert ann == {
        'id': 3,
        'image_id': 2,
        'category_id': 4,
        'segmentation': compressed(MASK),
        'bbox': [1.0, 1.0, 10.0, 6.0],
        'area': 36.0,
        'iscrowd': 0,
    }
