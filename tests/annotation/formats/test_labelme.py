"""labelme files, as labelme 5 writes them."""

import json
from pathlib import Path
from typing import Any

import pytest

from mmpointrend.annotation import PointAnnotationError
from mmpointrend.annotation.formats import labelme


def shape(kind: str, label: str, points: list, group: int | None) -> dict[str, Any]:
    return {
        'label': label,
        'points': points,
        'group_id': group,
        'description': '',
        'shape_type': kind,
        'flags': {},
        'mask': None,
    }


FILE = {
    'version': '5.5.0',
    'flags': {},
    'shapes': [
        shape('point', 'object', [[5.9, 3.2]], 4),
        shape('rectangle', 'cat', [[24.0, 12.0], [4.0, 2.0]], 4),
        shape('point', 'background', [[20.5, 10.5]], 4),
        shape('point', 'background', [[6.0, 4.0]], 4),
    ],
    'imagePath': 'b.jpg',
    'imageData': None,
    'imageHeight': 20,
    'imageWidth': 40,
}


def save(folder: Path, **changes: Any) -> None:
    (folder / 'a').mkdir(exist_ok=True)
    (folder / 'a' / 'b.json').write_text(json.dumps({**FILE, **changes}))


def test_a_file_of_the_tool_is_read(tmp_path: Path, renumbered: dict[str, Any]) -> None:
    save(tmp_path)
    assert labelme.read(tmp_path) == (renumbered, [])


@pytest.mark.parametrize('image_path', ['../a/b.jpg', '..\\a\\b.jpg'], ids=['posix', 'windows'])
def test_the_image_is_looked_up_from_its_file(
    tmp_path: Path, renumbered: dict[str, Any], image_path: str
) -> None:
    save(tmp_path, imagePath=image_path)
    assert labelme.read(tmp_path) == (renumbered, [])


def test_a_file_is_written_beside_the_place_of_its_image(
    tmp_path: Path, coco: dict[str, Any]
) -> None:
    labelme.write(coco, tmp_path / 'out')
    written = json.loads((tmp_path / 'out' / 'a' / 'b.json').read_text())
    shapes = [
        (item['shape_type'], item['label'], item['points'], item['group_id'])
        for item in written['shapes']
    ]
    assert shapes == [
        ('rectangle', 'cat', [[4.0, 2.0], [24.0, 12.0]], 1),
        ('point', 'object', [[5.5, 3.5]], 1),
        ('point', 'background', [[20.5, 10.5]], 1),
        ('point', 'background', [[6.5, 4.5]], 1),
    ]
    keys = ('imagePath', 'imageWidth', 'imageHeight', 'imageData')
    assert [written[key] for key in keys] == ['b.jpg', 40, 20, None]
    assert set(FILE) <= set(written)


def test_other_shapes_are_noted(tmp_path: Path) -> None:
    polygon = shape('polygon', 'cat', [[1, 1], [2, 2], [3, 1]], 4)
    save(tmp_path, shapes=[*FILE['shapes'], polygon])
    assert labelme.read(tmp_path)[1] == ["a/b.jpg: polygon 'cat' left out"]


@pytest.mark.parametrize(
    ('changes', 'found'),
    [
        ({'shapes': [{'label': 'cat'}]}, "no 'shape_type'"),
        (
            {'shapes': [shape('point', 'object', [['x', 1]], 4)]},
            r"\['x', 1\] in place of 2 numbers",
        ),
        ({'imageWidth': None}, 'imageWidth None in place of an integer'),
    ],
    ids=['no type', 'no number', 'no width'],
)
def test_a_broken_file_is_named(tmp_path: Path, changes: dict[str, Any], found: str) -> None:
    save(tmp_path, **changes)
    with pytest.raises(PointAnnotationError, match=f'found {found}'):
        labelme.read(tmp_path)


def test_a_file_in_place_of_the_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / 'x.json').write_text('{}')
    with pytest.raises(PointAnnotationError, match=r'x\.json: found no folder'):
        labelme.read(tmp_path / 'x.json')


@pytest.mark.parametrize('name', ['../b.jpg', '/b.jpg', 'a\\b.jpg', 'a/../../b.jpg', '.'])
def test_no_file_is_written_outside_the_folder(
    tmp_path: Path, coco: dict[str, Any], name: str
) -> None:
    coco['images'][0]['file_name'] = name
    with pytest.raises(PointAnnotationError, match='expected a path below the images'):
        labelme.write(coco, tmp_path / 'out')
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize('name', ['a/b.png', '_header.jpg'])
def test_two_images_with_one_labelme_file_are_an_error(
    tmp_path: Path, coco: dict[str, Any], name: str
) -> None:
    coco['images'].append({**coco['images'][0], 'id': 6, 'file_name': name})
    with pytest.raises(PointAnnotationError, match=f"found a second .* for image '{name}'"):
        labelme.write(coco, tmp_path / 'out')
