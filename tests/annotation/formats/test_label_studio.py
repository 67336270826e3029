"""Label Studio's tasks, in the structure of its documentation (Task format, KeyPointLabels)."""

import json
from pathlib import Path
from typing import Any

import pytest

from mmpointrend.annotation import PointAnnotationError
from mmpointrend.annotation.formats import label_studio

SIZE = {'original_width': 40, 'original_height': 20, 'image_rotation': 0}


def rectangle(region_id: str, label: str, **more: Any) -> dict[str, Any]:
    value = {'x': 10, 'y': 10, 'width': 50, 'height': 50, 'rotation': 0, **more}
    value['rectanglelabels'] = [label]
    names = {'from_name': 'rectangle', 'to_name': 'image', 'type': 'rectanglelabels'}
    return {'id': region_id, **names, **SIZE, 'value': value}


def keypoint(label: str, x: float, y: float, parent: str = 'Dx_aB91ISN') -> dict[str, Any]:
    value = {'x': x, 'y': y, 'width': 0.5, 'keypointlabels': [label]}
    names = {'from_name': 'keypoint', 'to_name': 'image', 'type': 'keypointlabels'}
    return {'id': f'{x}', **names, **SIZE, 'parentID': parent, 'value': value}


REGIONS = [
    keypoint('object', 13.75, 17.5),
    rectangle('Dx_aB91ISN', 'cat'),
    keypoint('background', 51.25, 52.5),
    keypoint('background', 16.25, 22.5),
]


def save(path: Path, regions: list[dict[str, Any]], **more: Any) -> Path:
    annotation = {'id': 1001, 'was_cancelled': False, 'result': regions}
    task = {'id': 1, 'data': {'image': 'a/b.jpg'}, 'annotations': [annotation], 'predictions': []}
    path.write_text(json.dumps([{**task, **more}]))
    return path


def test_an_export_is_read(tmp_path: Path, renumbered: dict[str, Any]) -> None:
    path = save(tmp_path / 'export.json', REGIONS)
    assert label_studio.read(path) == (renumbered, [])


def test_coordinates_are_written_in_percent_and_points_below_their_box(
    tmp_path: Path, coco: dict[str, Any]
) -> None:
    label_studio.write(coco, tmp_path / 'tasks.json')
    (task,) = json.loads((tmp_path / 'tasks.json').read_text())
    assert task['data']['image'] == 'a/b.jpg'
    box, *points = task['annotations'][0]['result']
    assert box['value'] == rectangle('', 'cat')['value']
    assert [(item['value']['x'], item['value']['y']) for item in points] == [
        (13.75, 17.5),
        (51.25, 52.5),
        (16.25, 22.5),
    ]
    assert {item['parentID'] for item in points} == {box['id']}
    assert len({item['id'] for item in (box, *points)}) == 4
    assert {key: box[key] for key in SIZE} == SIZE


def test_the_record_gives_an_uploaded_image_its_name_back(
    tmp_path: Path, coco: dict[str, Any]
) -> None:
    path = tmp_path / 'tasks.json'
    label_studio.write(coco, path)
    (task,) = json.loads(path.read_text())
    task['data']['image'] = '/data/upload/1/0a1b-b.jpg'
    path.write_text(json.dumps([task]))
    assert label_studio.read(path) == (coco, [])


def test_what_is_no_upright_box_or_point_is_noted(tmp_path: Path) -> None:
    relation = {'type': 'relation', 'from_id': 'a', 'to_id': 'b', 'direction': 'right'}
    regions = [*REGIONS, rectangle('tilted', 'cat', rotation=30), relation]
    assert label_studio.read(save(tmp_path / 'export.json', regions))[1] == [
        "a/b.jpg: rotated rectanglelabels with labels ['cat'] left out",
        'a/b.jpg: relation with labels [] left out',
    ]


def test_second_opinions_skipped_ones_and_predictions_are_noted(tmp_path: Path) -> None:
    skipped = {'was_cancelled': True, 'result': [rectangle('x', 'cat')]}
    done = {'was_cancelled': False, 'result': REGIONS}
    more = {'annotations': [skipped, done, done], 'predictions': [{'result': []}]}
    coco, notes = label_studio.read(save(tmp_path / 'export.json', [], **more))
    assert len(coco['annotations']) == 1
    assert notes == [
        'a/b.jpg: 1 annotations after the first left out',
        'a/b.jpg: 1 skipped annotations left out',
        'a/b.jpg: 1 predictions left out',
    ]


@pytest.mark.parametrize(
    ('text', 'found'),
    [
        ('{"image": "a.jpg"}', 'a JSON dict'),
        ('[', 'no valid JSON'),
    ],
    ids=['no list', 'no JSON'],
)
def test_a_broken_file_is_named(tmp_path: Path, text: str, found: str) -> None:
    (tmp_path / 'export.json').write_text(text)
    with pytest.raises(PointAnnotationError, match=rf'export\.json: found {found}'):
        label_studio.read(tmp_path / 'export.json')


@pytest.mark.parametrize(
    ('changes', 'found'),
    [
        ({'data': 5}, 'data 5 in place of an object'),
        ({'annotations': []}, "no 'width'"),
        ({'annotations': [5]}, '5 in place of an object'),
        ({'annotations': [{'result': [5]}]}, '5 in place of an object'),
        ({'annotations': [{'result': [{**REGIONS[1], 'id': 7}]}]}, 'id 7 in place of a text'),
        (
            {'annotations': [{'result': [rectangle('a', 'cat', width='5')]}]},
            "[10, 10, '5', 50] in place of 4 numbers",
        ),
    ],
)
def test_a_broken_task_is_named(tmp_path: Path, changes: dict[str, Any], found: str) -> None:
    path = save(tmp_path / 'export.json', REGIONS)
    (task,) = json.loads(path.read_text())
    path.write_text(json.dumps([task, {**task, **changes}]))
    with pytest.raises(PointAnnotationError) as caught:
        label_studio.read(path)
    assert str(caught.value).startswith(f'{path}: tasks[1]: found {found}, expected ')


def test_no_images_cannot_carry_the_classes(tmp_path: Path, coco: dict[str, Any]) -> None:
    with pytest.raises(PointAnnotationError, match='found no images'):
        label_studio.write({**coco, 'images': [], 'annotations': []}, tmp_path / 'tasks.json')
