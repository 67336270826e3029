"""CVAT XML 1.1 for images, in the structure of its documentation (XML annotation format)."""

import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest

from mmpointrend.annotation import PointAnnotationError
from mmpointrend.annotation.formats import cvat

BOX = '<box label="cat" xtl="4.00" ytl="2.00" xbr="24.00" ybr="12.00" occluded="0" group_id="7"/>'
POINTS = (
    '<points label="object" points="5.90,3.20" occluded="0" group_id="7"></points>'
    '<points label="background" points="20.50,10.50;6.00,4.00" occluded="0" group_id="7"></points>'
)
LABELS = ''.join(f'<label><name>{name}</name></label>' for name in ('cat', 'object', 'background'))


def save(path: Path, shapes: str, before: str = '', labels: str = LABELS) -> Path:
    path.write_text(
        f'<?xml version="1.0" encoding="utf-8"?>{before}<annotations><version>1.1</version>'
        f'<meta><task><labels>{labels}</labels></task></meta>'
        f'<image id="0" name="a/b.jpg" width="40" height="20">{shapes}</image></annotations>',
        encoding='utf-8',
    )
    return path


def test_an_export_is_read(tmp_path: Path, renumbered: dict[str, Any]) -> None:
    assert cvat.read(save(tmp_path / 'a.xml', POINTS + BOX)) == (renumbered, [])


def test_classes_are_the_labels_of_the_task_but_those_of_points(tmp_path: Path) -> None:
    labels = '<label><name>dog</name></label>' + LABELS
    coco, _ = cvat.read(save(tmp_path / 'a.xml', BOX, labels=labels))
    assert coco['categories'] == [{'id': 1, 'name': 'dog'}, {'id': 2, 'name': 'cat'}]


def test_group_0_is_none(tmp_path: Path) -> None:
    shapes = (BOX + POINTS).replace('group_id="7"', 'group_id="0"')
    assert cvat.read(save(tmp_path / 'a.xml', shapes))[1] == [
        "a/b.jpg: box 'cat' without points",
        'a/b.jpg: 3 points without a box left out',
    ]


def test_shapes_are_written_in_runs_of_a_label(tmp_path: Path, coco: dict[str, Any]) -> None:
    cvat.write(coco, tmp_path / 'a.xml')
    root = ET.parse(tmp_path / 'a.xml').getroot()
    image = root.find('image')
    assert [image.get(key) for key in ('name', 'width', 'height')] == ['a/b.jpg', '40', '20']
    box, *points = image
    keys = ('label', 'xtl', 'ytl', 'xbr', 'ybr', 'group_id')
    assert [box.get(key) for key in keys] == ['cat', '4.0', '2.0', '24.0', '12.0', '1']
    assert [(item.get('label'), item.get('points'), item.get('group_id')) for item in points] == [
        ('object', '5.5,3.5', '1'),
        ('background', '20.5,10.5;6.5,4.5', '1'),
    ]
    labels = [name.text for name in root.iterfind('meta/task/labels/label/name')]
    assert labels == ['cat', 'object', 'background']


def test_a_crowd_stays_one_without_the_record(tmp_path: Path, crowd: dict[str, Any]) -> None:
    path = tmp_path / 'a.xml'
    cvat.write(crowd, path)
    tree = ET.parse(path)
    meta = tree.find('meta')
    meta.remove(meta.find('mmpointrend'))
    tree.write(path)
    coco, notes = cvat.read(path)
    assert [ann['iscrowd'] for ann in coco['annotations']] == [1]
    assert notes == []


@pytest.mark.parametrize(('value', 'iscrowd'), [('true', 1), ('false', 0)])
def test_a_checkbox_says_what_is_a_crowd(tmp_path: Path, value: str, iscrowd: int) -> None:
    attribute = f'<attribute name="color">red</attribute><attribute name="is_crowd">{value}'
    box = BOX.replace('/>', f'>{attribute}</attribute></box>')
    (ann,) = cvat.read(save(tmp_path / 'a.xml', box + POINTS))[0]['annotations']
    assert ann['iscrowd'] == iscrowd


def test_what_is_no_upright_box_or_point_is_noted(tmp_path: Path) -> None:
    tilted = BOX.replace('occluded', 'rotation="30.0" occluded')
    shapes = f'{BOX}{POINTS}{tilted}<polygon label="cat" points="1,1;2,2;3,1"/><tag label="day"/>'
    assert cvat.read(save(tmp_path / 'a.xml', shapes))[1] == [
        "a/b.jpg: rotated box 'cat' left out",
        "a/b.jpg: polygon 'cat' left out",
        "a/b.jpg: tag 'day' left out",
    ]


@pytest.mark.parametrize(
    ('before', 'shapes'),
    [
        ('<!DOCTYPE a [<!ENTITY e SYSTEM "file:///etc/hostname">]>', BOX.replace('cat', '&e;')),
        ('<!DOCTYPE a [<!ENTITY e "cat"><!ENTITY f "&e;&e;">]>', BOX.replace('cat', '&f;')),
    ],
    ids=['file', 'expansion'],
)
def test_entities_are_refused(tmp_path: Path, before: str, shapes: str) -> None:
    path = save(tmp_path / 'a.xml', shapes, before)
    with pytest.raises(PointAnnotationError, match=r'a\.xml: found a document type'):
        cvat.read(path)


@pytest.mark.parametrize(
    ('text', 'found'),
    [
        ('<annotations><image', 'no valid XML'),
        ('<html/>', '<html> with 0 tracks'),
        ('<annotations><track id="0"/></annotations>', '<annotations> with 1 tracks'),
    ],
    ids=['cut off', 'another', 'video'],
)
def test_a_broken_file_is_named(tmp_path: Path, text: str, found: str) -> None:
    (tmp_path / 'a.xml').write_text(text)
    with pytest.raises(PointAnnotationError, match=rf'a\.xml: found {found}'):
        cvat.read(tmp_path / 'a.xml')


def test_an_image_with_a_broken_shape_is_named(tmp_path: Path) -> None:
    path = save(tmp_path / 'a.xml', BOX + '<box/>')
    with pytest.raises(PointAnnotationError, match=r"a\.xml: image 'a/b\.jpg': found no 'xtl'"):
        cvat.read(path)


def test_a_name_that_xml_cannot_hold_is_an_error(tmp_path: Path, coco: dict[str, Any]) -> None:
    coco['categories'][0]['name'] = 'c\x00t'
    with pytest.raises(PointAnnotationError, match='expected what XML can hold'):
        cvat.write(coco, tmp_path / 'a.xml')
    assert list(tmp_path.iterdir()) == []
