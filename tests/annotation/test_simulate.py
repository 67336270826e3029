"""Simulated points: where they lie, what their labels say, and what they depend on."""

import json
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mmpointrend.annotation import (
    PointAnnotationError,
    read_coco,
    simulate_points,
    simulate_points_legacy,
)
from mmpointrend.annotation.simulate import hashed_points, place_points

# tests/data/coco_points_*.json: a COCO file of four made objects (polygon, two polygons, RLE, crowd
# RLE), and what the public script prepare_coco_point_annotations_without_masks.py of detectron2's
# PointSup project (commit 02b5c4e2) makes of it with 10 points and numpy.random.seed(12345).
DATA = Path(__file__).parents[1] / 'data'
MASKS = DATA / 'coco_points_in.json'
PUBLISHED = DATA / 'coco_points_out_n10_npseed12345.json'

IMAGE = {'id': 1, 'width': 80, 'height': 60}
TRIANGLE = [[10, 10, 70, 10, 10, 50]]


def triangle(**changes: Any) -> dict[str, Any]:
    ann = {'id': 7, 'image_id': 1, 'bbox': [10.0, 10.0, 60.0, 40.0], 'segmentation': TRIANGLE}
    return {**ann, **changes}


def simulate(
    annotations: list[dict[str, Any]], num: int = 10, seed: int = 0, workers: int = 1
) -> list[dict[str, Any]]:
    return list(simulate_points(annotations, {1: IMAGE}, num, seed, 'masks.json', workers))


def test_legacy_stream_reproduces_the_published_points() -> None:
    data, images = read_coco(MASKS)
    points = list(simulate_points_legacy(data['annotations'], images, 10, 12345, 'masks.json'))
    assert points == json.loads(PUBLISHED.read_text())['annotations']


def test_points_replace_the_mask_and_all_else_stays() -> None:
    (ann,) = simulate([triangle(category_id=3, area=1200.0, note='kept')], num=4)
    assert [len(ann.pop('point_coords')), len(ann.pop('point_labels'))] == [4, 4]
    expected = triangle(category_id=3, area=1200.0, note='kept')
    del expected['segmentation']
    assert ann == expected


def test_input_is_left_as_it_was() -> None:
    ann = triangle()
    simulate([ann])
    assert ann == triangle()


def test_crowd_passes_without_points_and_without_mask() -> None:
    (ann,) = simulate([triangle(iscrowd=1)])
    expected = triangle(iscrowd=1)
    del expected['segmentation']
    assert ann == expected


def test_labels_are_the_side_of_the_triangle_that_the_pixel_lies_on() -> None:
    (ann,) = simulate([triangle()], num=2000)
    x, y = np.array(ann['point_coords']).T + 0.5
    # Signed distance to the edge from (70, 10) to (10, 50); pixels on it may be either.
    distance = ((70 - x) * 40 - (y - 10) * 60) / np.hypot(40, 60)
    clear = np.abs(distance) > 1
    np.testing.assert_array_equal(np.array(ann['point_labels'])[clear], (distance > 0)[clear])
    assert clear.mean() > 0.9


def test_points_are_uniform_in_the_box() -> None:
    (ann,) = simulate([triangle()], num=20000)
    x, y = np.array(ann['point_coords']).T
    # 60 columns and 40 rows, each expected equally often: chi-square, 99.99 % quantiles 104 and 77.
    for values, start, cells, limit in ((x, 10, 60, 104), (y, 10, 40, 77)):
        counts = np.bincount(values - start, minlength=cells)
        assert len(counts) == cells
        expected = len(values) / cells
        assert ((counts - expected) ** 2 / expected).sum() < limit


def test_same_seed_same_points_other_seed_other_points() -> None:
    assert simulate([triangle()], seed=3) == simulate([triangle()], seed=3)
    assert simulate([triangle()], seed=3) != simulate([triangle()], seed=4)


def splitmix64(state: int) -> Iterator[int]:
    """The published generator in Python's integers."""
    while True:
        state = (state + 0x9E3779B97F4A7C15) % 2**64
        bits = state
        bits = (bits ^ bits >> 30) * 0xBF58476D1CE4E5B9 % 2**64
        bits = (bits ^ bits >> 27) * 0x94D049BB133111EB % 2**64
        yield bits ^ bits >> 31


def test_reference_is_the_published_generator() -> None:
    # Well-known first numbers for the state 1234567.
    expected = [6457827717110365317, 3203168211198807973, 9817491932198370423]
    assert list(islice(splitmix64(1234567), 3)) == expected


@pytest.mark.parametrize(('ann_id', 'seed'), [(0, 0), (7, 12345), (2**63 + 1, 2**64 - 1)])
def test_numbers_are_those_of_a_generator_that_seed_and_id_start(ann_id: int, seed: int) -> None:
    def scramble(number: int) -> int:
        return next(splitmix64((number - 0x9E3779B97F4A7C15) % 2**64))

    numbers = islice(splitmix64(scramble(ann_id ^ scramble(seed))), 6)
    expected = np.array([number // 2**11 / 2**53 for number in numbers]).reshape(3, 2)
    np.testing.assert_array_equal(hashed_points([1, ann_id], 3, seed)[1], expected)


@pytest.mark.parametrize(('next_id', 'next_seed'), [(1, 0), (0, 1)], ids=['id', 'seed'])
def test_numbers_of_neighbours_have_nothing_to_do_with_each_other(
    next_id: int, next_seed: int
) -> None:
    x = hashed_points(range(20000), 1, 0)[:, 0, 0]
    other = hashed_points(range(next_id, next_id + 20000), 1, next_seed)[:, 0, 0]
    # Both in ten parts, 100 cells of 200 each: chi-square with 99 degrees of freedom, 99.99 %.
    counts = np.histogram2d(x, other, 10, [[0, 1], [0, 1]])[0]
    assert ((counts - 200) ** 2 / 200).sum() < 161


def test_points_of_an_object_do_not_depend_on_the_others() -> None:
    alone = simulate([triangle(id=9)])
    assert simulate([triangle(id=8), triangle(id=9)])[1:] == alone
    assert simulate([triangle(id=8)])[0]['point_coords'] != alone[0]['point_coords']


def test_every_annotation_is_there_in_its_place() -> None:
    annotations = [triangle(id=index, iscrowd=index % 7 == 0) for index in range(1100)]
    assert [ann['id'] for ann in simulate(annotations, num=1)] == list(range(1100))


def test_the_number_of_workers_changes_nothing() -> None:
    annotations = [triangle(id=index, iscrowd=index % 7 == 0) for index in range(1100)]
    assert simulate(annotations, num=3, workers=2) == simulate(annotations, num=3, workers=1)


def test_an_error_in_a_worker_names_file_and_annotation() -> None:
    annotations = [triangle(id=index) for index in range(1100)]
    annotations[1050]['segmentation'] = []
    with pytest.raises(PointAnnotationError, match=r'masks\.json: annotation 1050: found segm'):
        simulate(annotations, workers=2)


@pytest.mark.parametrize(
    ('bbox', 'pixels'),
    [
        ([-20.0, -10.0, 30.0, 15.0], {'x': (0, 9), 'y': (0, 4)}),
        ([75.5, 50.0, 20.0, 20.0], {'x': (75, 79), 'y': (50, 59)}),
        ([20.25, 30.5, 1.5, 0.0], {'x': (20, 21), 'y': (30, 30)}),
        ([79.0, 59.0, 1.0, 1.0], {'x': (79, 79), 'y': (59, 59)}),
    ],
    ids=['leaves top left', 'leaves bottom right', 'no height', 'last pixel'],
)
def test_points_fill_the_part_of_the_box_inside_the_image(
    bbox: list[float], pixels: dict[str, tuple[int, int]]
) -> None:
    (ann,) = simulate([triangle(bbox=bbox)], num=500)
    x, y = np.array(ann['point_coords']).T
    assert {'x': (x.min(), x.max()), 'y': (y.min(), y.max())} == pixels


def test_a_unit_point_at_the_end_of_its_range_stays_in_the_box() -> None:
    # In floating point 16 + 0.9999999999999999 * 3 is 19, one pixel beyond the box.
    ann = triangle(bbox=[16.0, 16.0, 3.0, 3.0])
    unit_points = np.full((1, 1, 2), np.nextafter(1.0, 0.0))
    assert place_points([ann], {1: IMAGE}, unit_points, 'masks.json')[0].tolist() == [[[18, 18]]]


def test_a_box_inside_the_image_is_used_to_the_last_bit() -> None:
    # Clipping would give the width as (2.03 + 6.88) - 2.03, which moves this point one pixel on.
    ann = triangle(bbox=[2.03, 2.03, 6.88, 6.88])
    unit_points = np.full((1, 1, 2), 0.28633720930232553)
    assert place_points([ann], {1: IMAGE}, unit_points, 'masks.json')[0].tolist() == [[[3, 3]]]


def test_a_box_outside_the_image_is_an_error() -> None:
    with pytest.raises(PointAnnotationError, match=r'masks\.json: annotation 7: found bbox'):
        simulate([triangle(bbox=[80.0, 10.0, 5.0, 5.0])])
