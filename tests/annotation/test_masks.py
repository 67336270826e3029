"""Masks of COCO annotations in their forms, against masks that are drawn by hand."""

import copy
import math
from typing import Any

import numpy as np
import pycocotools.mask as mask_api
import pytest

from mmpointrend.annotation import (
    PointAnnotationError,
    decode_segmentation,
    mask_annotation,
    masks_at,
    pack_polygons,
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
        ([[1.0, 2.0, 3.0, 4.0, 5.0, math.nan]], 'polygon [1.0, 2.0, 3.0, 4.0, 5.0, nan]'),
        ({'counts': [96]}, 'RLE size None'),
        ({'size': [WIDTH, HEIGHT], 'counts': [96]}, f'RLE size [{WIDTH}, {HEIGHT}]'),
        ({'size': [HEIGHT, WIDTH], 'counts': [90]}, 'RLE counts [90]'),
        ({'size': [HEIGHT, WIDTH], 'counts': [-4, 100]}, 'RLE counts [-4, 100]'),
        ({'size': [HEIGHT, WIDTH], 'counts': []}, 'RLE counts []'),
        ({'size': [HEIGHT, WIDTH]}, 'RLE counts None'),
        ({'size': [HEIGHT, WIDTH], 'counts': 'zz'}, "RLE counts 'zz'"),
        # -4 and 100.
        ({'size': [HEIGHT, WIDTH], 'counts': 'LT3'}, "RLE counts 'LT3'"),
        ({'size': [HEIGHT, WIDTH], 'counts': ''}, "RLE counts ''"),
        ({'size': [HEIGHT, WIDTH], 'counts': compressed(MASK)['counts'][:-2]}, 'RLE counts '),
    ],
)
def test_a_bad_segmentation_is_one_error_with_file_and_id(segmentation: Any, found: str) -> None:
    for prepare in (dict, pack_polygons):
        ann = prepare({'id': 3, 'segmentation': segmentation})
        with pytest.raises(PointAnnotationError) as caught:
            decode_segmentation(ann, WIDTH, HEIGHT, 'a.json')
        assert str(caught.value).startswith(f'a.json: annotation 3: found {found}')
        assert ', expected ' in str(caught.value)


def random_annotation(
    rng: np.random.Generator, form: str, height: int, width: int
) -> dict[str, Any]:
    noise = (rng.random((height, width)) < rng.choice([0.0, 0.01, 0.5, 1.0])).astype(np.uint8)
    segmentation = {
        'polygons': [(rng.random((9, 2)) * (width, height)).ravel().tolist() for _ in range(3)],
        'compressed': compressed(noise),
        'uncompressed': {'size': [height, width], 'counts': counts(noise)},
    }[form]
    return {'id': 3, 'segmentation': segmentation}


@pytest.mark.parametrize('form', ['polygons', 'compressed', 'uncompressed'])
@pytest.mark.parametrize('seed', range(10))
def test_single_pixels_are_those_of_the_drawn_mask(form: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    height, width = rng.integers(1, 200, 2).tolist()
    ann = random_annotation(rng, form, height, width)
    y, x = np.indices((height, width)).reshape(2, -1)
    points = np.stack([x, y], axis=1)[None]
    found = masks_at([ann], [(width, height)], points, 'a.json')
    expected = decode_segmentation(ann, width, height, 'a.json')
    np.testing.assert_array_equal(found.reshape(height, width), expected)


def test_many_annotations_are_looked_up_each_in_its_own_mask() -> None:
    rng = np.random.default_rng(0)
    sizes = [tuple(size) for size in rng.integers(1, 50, (60, 2)).tolist()]
    forms = ['polygons', 'compressed', 'uncompressed'] * 20
    annotations = [
        random_annotation(rng, form, height, width)
        for form, (width, height) in zip(forms, sizes, strict=True)
    ]
    points = (rng.random((60, 40, 2)) * np.array(sizes)[:, None]).astype(int)
    found = masks_at(annotations, sizes, points, 'a.json')
    for ann, size, ann_points, labels in zip(annotations, sizes, points, found, strict=True):
        mask = decode_segmentation(ann, *size, 'a.json')
        np.testing.assert_array_equal(labels, mask[ann_points[:, 1], ann_points[:, 0]])


def test_no_annotation_has_no_label() -> None:
    assert masks_at([], [], np.zeros((0, 10, 2), int), 'a.json').shape == (0, 10)


def test_the_bad_one_of_many_is_named() -> None:
    segmentations = [[polygon(*box) for box in BOXES], compressed(MASK), compressed(MASK[:, 1:])]
    segmentations[2]['size'] = [HEIGHT, WIDTH]
    annotations = [
        {'id': index, 'segmentation': segmentation}
        for index, segmentation in enumerate(segmentations)
    ]
    points = np.zeros((3, 1, 2), int)
    with pytest.raises(PointAnnotationError, match='annotation 2: found RLE counts'):
        masks_at(annotations, [(WIDTH, HEIGHT)] * 3, points, 'a.json')


def test_packed_polygons_are_arrays_and_give_the_same_mask() -> None:
    ann = pack_polygons({'id': 3, 'segmentation': [polygon(*box) for box in BOXES]})
    assert [type(part) for part in ann['segmentation']] == [np.ndarray] * 2
    np.testing.assert_array_equal(decode_segmentation(ann, WIDTH, HEIGHT, 'a.json'), MASK)


@pytest.mark.parametrize(
    'item', [{'id': 3}, {'segmentation': compressed(MASK)}, {'segmentation': [[1, 'x'], 7]}]
)
def test_packing_leaves_all_else_as_it_is(item: dict[str, Any]) -> None:
    assert pack_polygons(copy.deepcopy(item)) == item


def test_a_compressed_mask_that_is_cut_off_is_an_error() -> None:
    # 'P' says that more bits of its number follow.
    segmentation = {'size': [HEIGHT, WIDTH], 'counts': compressed(MASK)['counts'] + 'P'}
    with pytest.raises(PointAnnotationError, match='expected an RLE of 96 pixels'):
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
