"""Datumaro's JSON, in the structure of CVAT's documentation of it."""

import json
from pathlib import Path
from typing import Any

import pytest

from mmpointrend.annotation import PointAnnotationError
from mmpointrend.annotation.formats import datumaro


def shape(kind: str, label_id: int, group: int = 3, **more: Any) -> dict[str, Any]:
    ann = {'id': 0, 'type': kind, 'attributes': {'occluded': False}, 'group': group}
    return {**ann, 'label_id': label_id, 'z_order': 0, **more}


SHAPES = [
    shape('points', 1, points=[5.9, 3.2]),
    shape('bbox', 0, bbox=[4.0, 2.0, 20.0, 10.0]),
    shape('points', 2, points=[20.5, 10.5, 6.0, 4.0], visibility=[2, 2]),
]


def save(path: Path, shapes: list[dict[str, Any]], **image: Any) -> Path:
    labels = [{'name': name, 'parent': ''} for name in ('cat', 'object', 'background')]
    image = {'path': 'a/b.jpg', 'size': [20, 40], **image}
    item = {'id': 'a/b', 'annotations': shapes, 'image': image}
    data = {'info': {}, 'categories': {'label': {'labels': labels}}, 'items': [item]}
    path.write_text(json.dumps(data))
    return path


def test_a_file_of_the_tool_is_read(tmp_path: Path, renumbered: dict[str, Any]) -> None:
    assert datumaro.read(save(tmp_path / 'default.json', SHAPES)) == (renumbered, [])


def test_shapes_are_written_in_runs_of_a_label(tmp_path: Path, coco: dict[str, Any]) -> None:
    datumaro.write(coco, tmp_path / 'default.json')
    data = json.loads((tmp_path / 'default.json').read_text())
    labels = [label['name'] for label in data['categories']['label']['labels']]
    (item,) = data['items']
    assert (item['id'], item['image']) == ('a/b', {'path': 'a/b.jpg', 'size': [20, 40]})
    shapes = [
        (ann['type'], labels[ann['label_id']], ann['group'], ann.get('bbox') or ann['points'])
        for ann in item['annotations']
    ]
    assert shapes == [
        ('bbox', 'cat', 1, [4.0, 2.0, 20.0, 10.0]),
        ('points', 'object', 1, [5.5, 3.5]),
        ('points', 'background', 1, [20.5, 10.5, 6.5, 4.5]),
    ]


def test_a_class_may_be_called_object(tmp_path: Path, coco: dict[str, Any]) -> None:
    coco['categories'][0]['name'] = 'object'
    datumaro.write(coco, tmp_path / 'default.json')
    path = tmp_path / 'default.json'
    data = json.loads(path.read_text())
    labels = [label['name'] for label in data['categories']['label']['labels']]
    assert labels == ['object', 'background']
    path.write_text(json.dumps({**data, 'info': {}}))
    assert datumaro.read(path)[0]['categories'] == [{'id': 1, 'name': 'object'}]


def test_group_0_is_none(tmp_path: Path) -> None:
    shapes = [{**item, 'group': 0} for item in SHAPES]
    assert datumaro.read(save(tmp_path / 'default.json', shapes))[1] == [
        "a/b.jpg: box 'cat' without points",
        'a/b.jpg: 3 points without a box left out',
    ]


def test_other_shapes_are_noted(tmp_path: Path) -> None:
    shapes = [*SHAPES, shape('polygon', 0, points=[1, 1, 2, 2, 3, 1])]
    assert datumaro.read(save(tmp_path / 'default.json', shapes))[1] == [
        "a/b.jpg: polygon 'cat' left out"
    ]


def test_a_crowd_stays_one_without_the_record(tmp_path: Path, crowd: dict[str, Any]) -> None:
    path = tmp_path / 'default.json'
    datumaro.write(crowd, path)
    data = json.loads(path.read_text())
    assert data['items'][0]['annotations'][0]['attributes'] == {'is_crowd': True}
    path.write_text(json.dumps({**data, 'info': {}}))
    coco, notes = datumaro.read(path)
    assert [ann['iscrowd'] for ann in coco['annotations']] == [1]
    assert notes == []


def test_the_size_of_an_image_must_be_there(tmp_path: Path) -> None:
    path = save(tmp_path / 'default.json', SHAPES, size=None)
    with pytest.raises(PointAnnotationError, match='found size None in place of a list'):
        datumaro.read(path)


@pytest.mark.parametrize(
    ('broken', 'found'),
    [
        (5, '5 in place of an object'),
        (shape('bbox', 0, bbox=[1, 2]), '[1, 2] in place of 4 numbers'),
        (shape('bbox', 3, bbox=[1, 2, 3, 4]), 'label_id 3 of 3 labels'),
        (shape('bbox', -1, bbox=[1, 2, 3, 4]), 'label_id -1 of 3 labels'),
        (shape('points', 1, points=[1, 2, 3]), '[1, 2, 3] in place of 4 numbers'),
        (shape('points', 1, [3], points=[1, 2]), 'group [3] in place of an integer'),
        (shape('points', 1), "no 'points'"),
    ],
)
def test_a_broken_item_is_named(tmp_path: Path, broken: Any, found: str) -> None:
    path = save(tmp_path / 'default.json', SHAPES)
    data = json.loads(path.read_text())
    data['items'].append({**data['items'][0], 'annotations': [broken]})
    path.write_text(json.dumps(data))
    with pytest.raises(PointAnnotationError) as caught:
        datumaro.read(path)
    assert str(caught.value).startswith(f'{path}: items[1]: found {found}, expected ')
