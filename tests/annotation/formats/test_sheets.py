"""Boxes and points of a tool become objects; what does not fit is noted."""

import math
from typing import Any

import pytest

from mmpointrend.annotation import PointAnnotationError
from mmpointrend.annotation.formats.sheets import (
    Box,
    Point,
    Sheet,
    from_sheets,
    header,
    is_crowd,
    to_sheets,
)

BOX = Box(1, 'cat', 4.0, 2.0, 24.0, 12.0)
POINT = Point(1, 'object', 5.5, 3.5)


def sheet(*shapes: Box | Point, **more: Any) -> Sheet:
    boxes = [shape for shape in shapes if isinstance(shape, Box)]
    points = [shape for shape in shapes if isinstance(shape, Point)]
    return Sheet(more.pop('name', 'a.jpg'), 40, 20, boxes, points, **more)


def read(*sheets: Sheet, head: dict[str, Any] | None = None) -> tuple[dict[str, Any], list[str]]:
    return from_sheets(list(sheets), head or {}, 'tool.json')


def test_points_are_pixel_centres_and_groups_count_the_objects(coco: dict[str, Any]) -> None:
    (only,) = to_sheets(coco)
    assert only.boxes == [(1, 'cat', 4.0, 2.0, 24.0, 12.0, False)]
    assert only.points == [
        (1, 'object', 5.5, 3.5),
        (1, 'background', 20.5, 10.5),
        (1, 'background', 6.5, 4.5),
    ]


@pytest.mark.parametrize(
    ('place', 'pixel'),
    [((5.0, 3.0), [5, 3]), ((5.99, 3.01), [5, 3]), ((0, 0), [0, 0]), ((40, 20), [39, 19])],
    ids=['corner', 'inside', 'first', 'far edge'],
)
def test_a_point_lies_in_the_pixel_of_its_floor(place: tuple, pixel: list[int]) -> None:
    coco, notes = read(sheet(BOX, Point(1, 'object', *place)))
    assert coco['annotations'][0]['point_coords'] == [pixel]
    assert notes == []


def test_a_new_object_has_the_area_of_its_box_and_is_no_crowd() -> None:
    coco, _ = read(sheet(BOX, POINT))
    assert coco['annotations'] == [
        {
            'id': 1,
            'image_id': 1,
            'category_id': 1,
            'iscrowd': 0,
            'bbox': [4.0, 2.0, 20.0, 10.0],
            'area': 200.0,
            'point_coords': [[5, 3]],
            'point_labels': [1],
        }
    ]


def test_without_a_list_of_classes_they_are_those_of_the_boxes() -> None:
    coco, _ = read(sheet(BOX._replace(label='dog'), BOX._replace(group=2)))
    assert coco['categories'] == [{'id': 1, 'name': 'cat'}, {'id': 2, 'name': 'dog'}]


@pytest.mark.parametrize(
    ('shapes', 'note'),
    [
        ([POINT, POINT], 'a.jpg: 2 points of group 1 without a box left out'),
        ([POINT._replace(group=None)], 'a.jpg: 1 points without a box left out'),
        ([BOX], "a.jpg: box 'cat' of group 1 without points"),
        (
            [BOX, POINT, POINT._replace(label='cat')],
            "a.jpg: point at 5.5, 3.5 of group 1 of unknown label 'cat' left out",
        ),
        (
            [BOX, POINT, POINT._replace(x=40.5)],
            'a.jpg: point at 40.5, 3.5 of group 1 outside the image left out',
        ),
        (
            [BOX, POINT, POINT._replace(x=math.nan)],
            'a.jpg: point at nan, 3.5 of group 1 outside the image left out',
        ),
    ],
    ids=['no box', 'no group', 'no points', 'unknown label', 'outside', 'nan'],
)
def test_what_is_alone_or_unknown_is_noted(shapes: list, note: str) -> None:
    assert read(sheet(*shapes))[1] == [note]


def test_a_box_of_unknown_class_is_left_out_with_its_points() -> None:
    coco, notes = read(sheet(BOX, POINT), head={'categories': [{'id': 1, 'name': 'dog'}]})
    assert coco['annotations'] == []
    assert notes == [
        "a.jpg: box of unknown class 'cat' left out",
        'a.jpg: 1 points of group 1 without a box left out',
    ]


def test_two_boxes_of_one_group_are_two_objects_and_noted() -> None:
    coco, notes = read(sheet(BOX, BOX, POINT))
    assert [ann['point_labels'] for ann in coco['annotations']] == [[1], []]
    assert notes == ["a.jpg: box 'cat' of group 1 without points"]


def test_the_same_group_in_two_images_is_two_objects() -> None:
    coco, _ = read(sheet(BOX, POINT), sheet(BOX, POINT, name='b.jpg'))
    assert [(ann['id'], ann['image_id']) for ann in coco['annotations']] == [(1, 1), (2, 2)]


def test_sides_in_any_order_are_the_same_box() -> None:
    coco, _ = read(sheet(BOX._replace(left=24.0, right=4.0, top=12.0, bottom=2.0), POINT))
    assert coco['annotations'][0]['bbox'] == [4.0, 2.0, 20.0, 10.0]


def test_with_the_record_a_box_moves_and_its_area_is_no_longer_known(coco: dict[str, Any]) -> None:
    (only,) = to_sheets(coco)
    only.boxes = [only.boxes[0]._replace(right=25.0)]
    back, _ = from_sheets([only], header(coco), 'tool.json')
    (ann,) = coco['annotations']
    assert back['annotations'] == [{**ann, 'bbox': [4.0, 2.0, 21.0, 10.0], 'area': 210.0}]


def test_with_the_record_rounding_of_a_tool_moves_no_box(coco: dict[str, Any]) -> None:
    coco['annotations'][0]['bbox'] = [4.123456789, 2.0, 20.0, 10.0]
    (only,) = to_sheets(coco)
    only.boxes = [only.boxes[0]._replace(left=4.12)]
    assert from_sheets([only], header(coco), 'tool.json')[0] == coco


def test_with_the_record_a_new_object_gets_a_new_id_at_the_end(coco: dict[str, Any]) -> None:
    (only,) = to_sheets(coco)
    only.boxes.insert(0, BOX._replace(group=9))
    back, _ = from_sheets([only], header(coco), 'tool.json')
    assert [ann['id'] for ann in back['annotations']] == [70, 71]


def test_with_the_record_a_second_box_of_a_group_gets_an_id_of_its_own(
    coco: dict[str, Any],
) -> None:
    (only,) = to_sheets(coco)
    only.boxes *= 2
    back, _ = from_sheets([only], header(coco), 'tool.json')
    assert [ann['id'] for ann in back['annotations']] == [70, 71]


@pytest.mark.parametrize(
    'points',
    [{}, {'point_coords': [], 'point_labels': []}, {'point_coords': [[1, 2]], 'point_labels': [0]}],
    ids=['no keys', 'no points', 'points'],
)
def test_with_the_record_crowd_regions_stay_as_they_are(
    coco: dict[str, Any], points: dict[str, list]
) -> None:
    box = {'id': 8, 'image_id': 5, 'category_id': 3, 'area': 9.0, 'bbox': [1.0, 1.0, 3.0, 3.0]}
    coco['annotations'] = [{**box, 'iscrowd': 1, **points}]
    assert from_sheets(to_sheets(coco), header(coco), 'tool.json') == (coco, [])


def test_a_crowd_of_the_tool_has_no_points_and_no_note() -> None:
    coco, notes = read(sheet(BOX._replace(crowd=True)))
    (ann,) = coco['annotations']
    assert ann['iscrowd'] == 1
    assert 'point_coords' not in ann
    assert notes == []


@pytest.mark.parametrize('before', [0, 1])
@pytest.mark.parametrize('said', [None, False, True])
def test_with_the_record_a_crowd_is_what_the_tool_says_if_it_says_something(
    coco: dict[str, Any], before: int, said: bool | None
) -> None:
    coco['annotations'][0]['iscrowd'] = before
    (only,) = to_sheets(coco)
    only.boxes = [only.boxes[0]._replace(crowd=said)]
    (ann,) = from_sheets([only], header(coco), 'tool.json')[0]['annotations']
    assert ann['iscrowd'] == (before if said is None else int(said))


@pytest.mark.parametrize(
    ('attribute', 'crowd'),
    [(None, None), (True, True), ('true', True), (1.0, True), ('0', False), ('False', False)],
)
def test_attributes_of_crowds_are_of_several_types(attribute: Any, crowd: bool | None) -> None:
    assert is_crowd(attribute) is crowd


def test_another_attribute_of_crowds_is_an_error() -> None:
    with pytest.raises(ValueError, match="is_crowd 'maybe' in place of true or false"):
        is_crowd('maybe')


def test_with_the_record_images_without_one_come_last(coco: dict[str, Any]) -> None:
    back, _ = from_sheets([sheet(BOX), *to_sheets(coco)], header(coco), 'tool.json')
    assert [image['id'] for image in back['images']] == [5, 6]


@pytest.mark.parametrize(
    ('part', 'key', 'kind'), [('images', 'file_name', 'image'), ('categories', 'name', 'category')]
)
def test_names_by_which_tools_know_things_must_differ(
    coco: dict[str, Any], part: str, key: str, kind: str
) -> None:
    coco[part].append({**coco[part][0], 'id': 99})
    name = coco[part][0][key]
    with pytest.raises(PointAnnotationError, match=f"found {kind} '{name}' twice"):
        to_sheets(coco)


def test_an_image_known_by_its_address_gets_no_file_name(coco: dict[str, Any]) -> None:
    (image,) = coco['images']
    del image['file_name']
    image['coco_url'] = 'http://images.cocodataset.org/train2017/000000391895.jpg'
    (only,) = to_sheets(coco)
    assert only.name == 'train2017/000000391895.jpg'
    assert from_sheets([only], header(coco), 'tool.json')[0] == coco


def test_an_image_without_a_name_is_an_error(coco: dict[str, Any]) -> None:
    del coco['images'][0]['file_name']
    with pytest.raises(PointAnnotationError, match='found image 5 with file_name None'):
        to_sheets(coco)


def test_two_sheets_of_one_image_are_an_error() -> None:
    with pytest.raises(PointAnnotationError, match=r"tool\.json: found image 'a\.jpg' twice"):
        read(sheet(BOX), sheet(BOX))
