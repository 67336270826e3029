"""CVAT XML 1.1 for images.

A box is a ``<box>`` with the class as label, points are ``<points>`` labelled ``object`` or
``background``; ``group_id`` links those of one object (0: none). Neighbouring points of the same
label share an element, so their order stays. The box of a crowd region has the attribute
``is_crowd``, which CVAT keeps where the label has a checkbox of this name. The record is an element
of ``<meta>``; CVAT reads over it and does not write it.
"""

import json
import re
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any
from xml.parsers import expat

from ..files import write_text
from ..schema import PointAnnotationError
from .sheets import (
    BACKGROUND,
    CROWD,
    OBJECT,
    RECORD,
    Box,
    Point,
    Sheet,
    class_labels,
    from_sheets,
    header,
    is_crowd,
    number_labels,
    runs,
    to_sheets,
)
from .values import expecting, numbers

_SIDES = ('xtl', 'ytl', 'xbr', 'ybr')
_NO_XML = re.compile('[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]')


def read(path: Path) -> tuple[dict[str, Any], list[str]]:
    """Read an export of a task or job ("CVAT for images 1.1").

    Args:
        path: The XML file.

    Returns:
        The content of a COCO file with points, and notes; see ``from_sheets``.

    Raises:
        PointAnnotationError: It is no such export, or an XML with a document type, whose
            entities could be used to read other files or to fill the memory.
    """
    notes: list[str] = []
    with expecting(path, 'CVAT XML 1.1 for images'):
        root = _parse(path)
        if root.tag != 'annotations' or root.find('track') is not None:
            raise ValueError(f'<{root.tag}> with {len(root.findall("track"))} tracks')
        record = json.loads(root.findtext(f'meta/{RECORD}', '{}'))
        records = record.get('images', {})
        sheets = []
        for image in root.iter('image'):
            with expecting(f'{path}: image {image.get("name")!r}', 'its size, boxes and points'):
                sheets.append(_read_sheet(image, records, notes))
        head = record.get('header', {})
        labels = [name.text or '' for name in root.iterfind('meta//label/name')]
        if not head and labels:
            head = {'categories': number_labels(class_labels(labels, sheets))}
        coco, more = from_sheets(sheets, head, str(path))
    return coco, notes + more


def write(coco: dict[str, Any], path: Path) -> None:
    """Write annotations that CVAT imports into a task with the same images and labels.

    Args:
        coco: A valid COCO file with points.
        path: The XML file.

    Raises:
        PointAnnotationError: A name has a character that XML has not, or see ``to_sheets``.
    """
    sheets = to_sheets(coco)
    names = [category['name'] for category in coco['categories']]
    for name in (*names, *(sheet.name for sheet in sheets)):
        if found := _NO_XML.search(name):
            character = f'character {found.group()!r} in {name!r}'
            raise PointAnnotationError(f'found {character}, expected what XML can hold')

    root = ET.Element('annotations')
    ET.SubElement(root, 'version').text = '1.1'
    meta = ET.SubElement(root, 'meta')
    task = ET.SubElement(meta, 'task')
    ET.SubElement(task, 'size').text = str(len(sheets))
    ET.SubElement(task, 'mode').text = 'annotation'
    labels = ET.SubElement(task, 'labels')
    for name in dict.fromkeys((*names, OBJECT, BACKGROUND)):
        ET.SubElement(ET.SubElement(labels, 'label'), 'name').text = name
    records = {sheet.name: sheet.record for sheet in sheets}
    record = json.dumps({'header': header(coco), 'images': records})
    ET.SubElement(meta, RECORD).text = record
    for index, sheet in enumerate(sheets):
        root.append(_to_image(sheet, index))
    ET.indent(root)
    text = ET.tostring(root, encoding='unicode')
    write_text(path, f'<?xml version="1.0" encoding="utf-8"?>\n{text}\n')


def _to_image(sheet: Sheet, index: int) -> ET.Element:
    sides = {'width': str(sheet.width), 'height': str(sheet.height)}
    image = ET.Element('image', {'id': str(index), 'name': sheet.name, **sides})
    more = {'source': 'manual', 'occluded': '0', 'z_order': '0'}
    for box in sheet.boxes:
        places = (box.left, box.top, box.right, box.bottom)
        sides = {name: repr(float(place)) for name, place in zip(_SIDES, places, strict=True)}
        shape = ET.SubElement(
            image, 'box', {'label': box.label, **more, **sides, 'group_id': str(box.group)}
        )
        if box.crowd:
            ET.SubElement(shape, 'attribute', {'name': CROWD}).text = 'true'
    for group, label, points in runs(sheet.points):
        places = ';'.join(f'{point.x!r},{point.y!r}' for point in points)
        ET.SubElement(
            image, 'points', {'label': label, **more, 'points': places, 'group_id': str(group)}
        )
    return image


def _parse(path: Path) -> ET.Element:
    """Parse an XML file that nobody vouches for."""
    builder = ET.TreeBuilder()
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = builder.start
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.data
    parser.StartDoctypeDeclHandler = _refuse
    with path.open('rb') as file:
        try:
            parser.ParseFile(file)
        except expat.ExpatError as cause:
            raise ValueError(f'no valid XML ({cause})') from cause
    return builder.close()


def _refuse(*_: Any) -> None:
    raise ValueError('a document type (<!DOCTYPE>)')


def _read_sheet(image: ET.Element, records: dict[str, Any], notes: list[str]) -> Sheet:
    name = image.attrib['name']
    sides = int(image.attrib['width']), int(image.attrib['height'])
    sheet = Sheet(name, *sides, record=records.get(name, {}))
    for shape in image:
        label = shape.attrib.get('label', '')
        group = int(shape.attrib.get('group_id', 0)) or None
        if shape.tag == 'box' and not float(shape.attrib.get('rotation', 0)):
            places = numbers([float(shape.attrib[side]) for side in _SIDES], 4)
            crowd = is_crowd(shape.findtext(f'attribute[@name="{CROWD}"]'))
            sheet.boxes.append(Box(group, label, *places, crowd))
        elif shape.tag == 'points':
            for pair in shape.attrib['points'].split(';'):
                place = numbers([float(value) for value in pair.split(',')], 2)
                sheet.points.append(Point(group, label, *place))
        else:
            rotated = 'rotated ' if shape.tag == 'box' else ''
            notes.append(f'{name}: {rotated}{shape.tag} {label!r} left out')
    return sheet
