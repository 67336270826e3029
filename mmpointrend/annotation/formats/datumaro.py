"""Datumaro's own format: a JSON file of items.

A box is a ``bbox`` with the class as label, points are ``points`` labelled ``object`` or
``background``; ``group`` links those of one object (0: none). Neighbouring points of the same
label share an entry, so their order stays. The box of a crowd region has the attribute
``is_crowd``. The record is an entry of ``info``.
"""

from pathlib import Path, PurePosixPath
from typing import Any

from ..files import read_json, write_json
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
from .values import entry, expecting, numbers, optional


def read(path: Path) -> tuple[dict[str, Any], list[str]]:
    """Read an annotation file of a Datumaro dataset (``annotations/default.json``).

    Args:
        path: The file.

    Returns:
        The content of a COCO file with points, and notes; see ``from_sheets``.

    Raises:
        PointAnnotationError: It is no such file, or the size of an image is not in it. The message
            names the item.
    """
    notes: list[str] = []
    with expecting(path, 'a Datumaro file with the size of every image'):
        data = read_json(path)
        record = optional(optional(data, 'info', dict, {}), RECORD, dict, {})
        records = optional(record, 'images', dict, {})
        entries = entry(entry(entry(data, 'categories', dict), 'label', dict), 'labels', list)
        labels = [entry(label, 'name', str) for label in entries]
        sheets = []
        for index, item in enumerate(entry(data, 'items', list)):
            with expecting(f'{path}: items[{index}]', 'an image, its size, boxes and points'):
                sheets.append(_read_sheet(item, labels, records, notes))
        head = optional(record, 'header', dict) or {
            'categories': number_labels(class_labels(labels, sheets)),
        }
        coco, more = from_sheets(sheets, head, str(path))
    return coco, notes + more


def write(coco: dict[str, Any], path: Path) -> None:
    """Write an annotation file of a Datumaro dataset.

    Args:
        coco: A valid COCO file with points.
        path: The JSON file; Datumaro looks for it in ``annotations/``.

    Raises:
        PointAnnotationError: See ``to_sheets``.
    """
    sheets = to_sheets(coco)
    names = [category['name'] for category in coco['categories']]
    labels = list(dict.fromkeys((*names, OBJECT, BACKGROUND)))
    label_ids = {label: index for index, label in enumerate(labels)}
    records = {sheet.name: sheet.record for sheet in sheets}
    entries = [{'name': label, 'parent': '', 'attributes': []} for label in labels]
    write_json(
        path,
        {
            'info': {RECORD: {'header': header(coco), 'images': records}},
            'categories': {'label': {'labels': entries, 'attributes': []}},
            'items': [_to_item(sheet, label_ids) for sheet in sheets],
        },
    )


def _to_item(sheet: Sheet, label_ids: dict[str, int]) -> dict[str, Any]:
    shapes = []
    for box in sheet.boxes:
        sides = [box.left, box.top, box.right - box.left, box.bottom - box.top]
        attributes = {CROWD: True} if box.crowd else {}
        more = {'bbox': sides, 'attributes': attributes}
        shapes.append(('bbox', box.group, box.label, more))
    for group, label, points in runs(sheet.points):
        places = [place for point in points for place in (point.x, point.y)]
        shapes.append(('points', group, label, {'points': places, 'attributes': {}}))
    annotations = [
        {
            'id': index,
            'type': kind,
            'group': group,
            'label_id': label_ids[label],
            **more,
            'z_order': 0,
        }
        for index, (kind, group, label, more) in enumerate(shapes)
    ]
    image = {'path': sheet.name, 'size': [sheet.height, sheet.width]}
    item_id = PurePosixPath(sheet.name).with_suffix('').as_posix()
    return {'id': item_id, 'annotations': annotations, 'image': image}


def _read_sheet(
    item: dict[str, Any], labels: list[str], records: dict[str, Any], notes: list[str]
) -> Sheet:
    image = entry(item, 'image', dict)
    name = entry(image, 'path', str)
    height, width = numbers(entry(image, 'size', list), 2)
    sheet = Sheet(name, width, height, record=optional(records, name, dict, {}))
    for shape in entry(item, 'annotations', list):
        kind, group = entry(shape, 'type', str), optional(shape, 'group', int) or None
        label_id = optional(shape, 'label_id', int)
        if label_id is not None and label_id not in range(len(labels)):
            raise ValueError(f'label_id {label_id} of {len(labels)} labels')
        label = '' if label_id is None else labels[label_id]
        if kind == 'bbox':
            x, y, w, h = numbers(entry(shape, 'bbox', list), 4)
            crowd = is_crowd(optional(shape, 'attributes', dict, {}).get(CROWD))
            sheet.boxes.append(Box(group, label, x, y, x + w, y + h, crowd))
        elif kind == 'points':
            places = entry(shape, 'points', list)
            places = numbers(places, len(places) + len(places) % 2)
            pairs = zip(places[::2], places[1::2], strict=True)
            sheet.points += [Point(group, label, x, y) for x, y in pairs]
        else:
            notes.append(f'{name}: {kind} {label!r} left out')
    return sheet
