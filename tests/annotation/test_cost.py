"""What annotations cost."""

from typing import Any

import pytest

from mmpointrend.annotation import annotation_seconds, seconds_per_image

COCO = {
    'images': [{'id': 1}, {'id': 'b'}],
    'annotations': [
        {'id': 1, 'image_id': 1, 'point_labels': [1, 0, 1]},
        {'id': 2, 'image_id': 1, 'point_labels': []},
        {'id': 3, 'image_id': 1, 'iscrowd': 1},
    ],
}


@pytest.mark.parametrize(('form', 'seconds'), [('boxes', 14.0), ('points', 16.7), ('masks', 158.4)])
def test_objects_cost_what_their_form_costs(form: str, seconds: float) -> None:
    assert annotation_seconds(COCO, form, 0, 0) == pytest.approx(seconds)


def test_images_and_objects_cost_too() -> None:
    assert seconds_per_image(COCO, 'boxes', image_seconds=100, object_seconds=10) == {
        1: 134,
        'b': 100,
    }


def test_the_whole_of_coco_costs_what_its_paper_says() -> None:
    # Sec. 4: 20,000 hours, 10,000 hours and 22 hours per 1,000 of 2.5 million objects.
    image: dict[str, Any] = {'images': [{'id': 1}], 'annotations': []}
    two = {**image, 'annotations': [{'id': 1, 'image_id': 1}]}
    per_image = annotation_seconds(image, 'masks')
    per_object = annotation_seconds(two, 'masks') - per_image
    hours = (328_000 * per_image + 2_500_000 * per_object) / 3600
    assert hours == pytest.approx(85_000)


def test_points_cost_nothing_known_where_there_are_none() -> None:
    ann: dict[str, Any] = {'id': 4, 'image_id': 1}
    coco = {'images': [{'id': 1}], 'annotations': [ann]}
    with pytest.raises(ValueError, match="annotation 4: found no 'point_labels'"):
        annotation_seconds(coco, 'points')
    ann['point_labels'] = None
    with pytest.raises(ValueError, match='annotation 4: found point_labels None'):
        annotation_seconds(coco, 'points')


def test_an_unknown_form_is_named() -> None:
    with pytest.raises(ValueError, match="form: found 'scribbles', expected one of boxes, points"):
        annotation_seconds(COCO, 'scribbles')
