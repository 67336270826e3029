"""The report on a file of point annotations."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from mmpointrend.annotation import PointReport, validate_points

IMAGES = {
    1: {'id': 1, 'width': 80, 'height': 60, 'file_name': 'a.jpg'},
    2: {'id': 2, 'width': 20, 'height': 20, 'file_name': 'b.jpg'},
    3: {'id': 3, 'width': 20, 'height': 20, 'coco_url': 'http://x.org/train/c.jpg'},
}


def obj(ann_id: int, points: list[list[int]], labels: list[int], **more: Any) -> dict[str, Any]:
    ann = {'id': ann_id, 'image_id': 1, 'category_id': 1, 'iscrowd': 0}
    ann |= {'bbox': [10.0, 10.0, 20.0, 20.0], 'area': 400.0}
    return {**ann, 'point_coords': points, 'point_labels': labels, **more}


def crowd(ann_id: int, **more: Any) -> dict[str, Any]:
    ann = {'id': ann_id, 'image_id': 2, 'category_id': 1, 'iscrowd': 1}
    return {**ann, 'bbox': [0.0, 0.0, 5.0, 5.0], 'area': 25.0, **more}


def report(*annotations: dict[str, Any]) -> PointReport:
    return validate_points({'annotations': list(annotations)}, IMAGES, 'points.json')


def test_counts_images_objects_crowd_and_points() -> None:
    found = report(
        obj(1, [[10, 10], [29, 29], [30, 29], [9, 12]], [1, 1, 0, 0]),
        obj(2, [[12, 12]], [0]),
        obj(3, [[12, 12]], [1]),
        obj(4, [], []),
        crowd(5),
    )
    assert found == PointReport(
        num_images=3,
        num_empty_images=2,
        num_objects=4,
        num_crowd=1,
        num_dropped=0,
        points_per_object={0: 1, 1: 2, 4: 1},
        num_points=6,
        num_positive=3,
        num_outside_box=2,
        num_without_positive=2,
        errors=[],
    )


def test_crowd_may_have_points_as_in_the_published_files() -> None:
    assert report(crowd(5, point_coords=[[1, 1]], point_labels=[1])).errors == []


def test_a_segmentation_is_an_error_for_objects_and_crowd() -> None:
    found = report(obj(1, [[12, 12]], [1], segmentation=[]), crowd(2, segmentation=None))
    assert found.errors == [
        f"points.json: annotation {ann_id}: found a 'segmentation', expected points alone"
        for ann_id in (1, 2)
    ]


@pytest.mark.parametrize('key', ['category_id', 'bbox', 'area'])
def test_what_training_reads_must_be_there(key: str) -> None:
    incomplete = [obj(1, [[12, 12]], [1]), crowd(2)]
    for ann in incomplete:
        del ann[key]
    assert [message.split(', expected')[0] for message in report(*incomplete).errors] == [
        f'points.json: annotation {ann_id}: found no {key!r}' for ann_id in (1, 2)
    ]


@pytest.mark.parametrize('make', [partial(obj, 7, [[12, 12]], [1]), partial(crowd, 7)])
@pytest.mark.parametrize(
    ('changes', 'found'),
    [
        ({'area': '400'}, "area '400', expected a number"),
        ({'area': None}, 'area None, expected a number'),
        ({'bbox': None}, 'bbox None, expected four finite numbers [x, y, w, h]'),
    ],
)
def test_what_training_reads_must_be_numbers(
    make: Callable[..., dict[str, Any]], changes: dict[str, Any], found: str
) -> None:
    assert report(make(**changes)).errors == [f'points.json: annotation 7: found {found}']


def test_objects_that_training_leaves_out_are_counted() -> None:
    """The rule is that of mmdet's datasets; tests/datasets compares it with theirs."""
    found = report(
        obj(1, [], [], area=0),
        obj(2, [], [], bbox=[10.0, 10.0, 0.99, 20.0]),
        obj(3, [], [], bbox=[10.0, 10.0, 20.0, 0.0], area=0),
        obj(4, [], [], bbox=[10.0, 10.0, 1.0, 1.0], area=0.01),
        crowd(5, area=0),
    )
    assert (found.num_dropped, found.errors) == (3, [])


def test_an_image_without_a_name_is_an_error() -> None:
    images = {7: {'id': 7, 'width': 80, 'height': 60}}
    assert validate_points({'annotations': []}, images, 'points.json').errors == [
        'points.json: found image 7 with file_name None and coco_url None, '
        'expected a text in one of them'
    ]


def test_every_bad_annotation_is_reported_and_the_good_ones_are_counted() -> None:
    found = report(
        obj(1, [[12, 12]], [2]),
        obj(2, [[80, 12]], [1]),
        obj(3, [[12, 12]], [1]),
        obj(4, [[12, 12]], [1], bbox=None),
    )
    assert [message.split(':')[1] for message in found.errors] == [
        ' annotation 1',
        ' annotation 2',
        ' annotation 4',
    ]
    assert found.points_per_object == {1: 1}


def test_text_shows_the_counts_and_shares() -> None:
    text = str(report(obj(1, [[10, 10], [29, 29], [30, 29], [12, 12]], [1, 1, 0, 1]), crowd(2)))
    lines = [' '.join(line.split()) for line in text.splitlines()]
    assert lines == [
        'images 3 (2 without an object)',
        'objects 1',
        'crowd regions 1 (not trained on)',
        'not trained on 0 (area 0, or a box under a pixel)',
        'points per object 1 with 4',
        'points 4',
        'on the object 3 (75.0%)',
        'outside the box 1 (25.0%)',
        'no point on it 0 (0.0%) objects',
    ]


def test_a_file_without_objects_has_a_report() -> None:
    assert 'points per object  none' in str(report())
