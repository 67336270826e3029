"""Datumaro's own format: a JSON file of items.

A box is a ``bbox`` with the class as label, points are ``points`` labelled ``object`` or
``background``; ``group`` links those of one object (0: none). Neighbouring points of the same
label share an entry, so their order stays. The record is an entry of ``info``.
"""

from pathlib import Path, PurePosixPath
from typing import Any

from ..files import read_json, write_json
from .sheets import (
    BACKGROUND,
    OBJECT,
    RECORD,
    Box,
    Point,
    Sheet,
    class_labels,
    expecting,
    from_sheets,
    header,
    number_labels,
    numbers,
    runs,
    to_sheets,
)


def read(path: Path) -> tuple[dict[str, Any], list[str]]:
    """Read an annotation file of a Datumaro dataset (``annotations/default.json``).

    Args:
        path: The file.

    Returns:
        The content of a COCO file with points, and notes; see ``from_sheets``.

    Raises:
        PointAnnotationError: It is no such file, or the size of an image is not in it.
    """
    notes: list[str] = []
    with expecting(path, 'a Datumaro file with the size of every image'):
        data = read_json(path)
        record = data.get('info', {}).get(RECORD, {})
        records = record.get('images', {})
        labels = [label['name'] for label in data['categories']['label']['labels']]
        sheets = [_read_sheet(item, labels, records, notes) for item in data['items']]
        head = record.get('header') or {
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
        shapes.append(('bbox', box.group, box.label, {'bbox': sides}))
    for group, label, points in runs(sheet.points):
        places = [place for point in points for place in (point.x, point.y)]
        shapes.append(('points', group, label, {'points': places}))
    annotations = [
        {
            'id': index,
            'type': kind,
            'attributes': {},
            'group': group,
            'label_id': label_ids[label],
            **places,
            'z_order': 0,
        }
        for index, (kind, group, label, places) in enumerate(shapes)
    ]
    image = {'path': sheet.name, 'size': [sheet.height, sheet.width]}
    item_id = PurePosixPath(sheet.name).with_suffix('').as_posix()
    return {'id': item_id, 'annotations': annotations, 'image': image}


def _read_sheet(
    item: dict[str, Any], labels: list[str], records: dict[str, Any], notes: list[str]
) -> Sheet:
    name = item['image']['path']
    height, width = item['image']['size']
    sheet = Sheet(name, width, height, record=records.get(name, {}))
    for shape in item['annotations']:
        kind, group = shape['type'], shape.get('group') or None
        label_id = shape.get('label_id')
        label = '' if label_id is None else labels[label_id]
        if kind == 'bbox':
            x, y, w, h = numbers(shape['bbox'], 4)
            sheet.boxes.append(Box(group, label, x, y, x + w, y + h))
        elif kind == 'points':
            places = numbers(shape['points'], len(shape['points']))
            pairs = zip(places[::2], places[1::2], strict=True)
            sheet.points += [Point(group, label, x, y) for x, y in pairs]
        else:
            notes.append(f'{name}: {kind} {label!r} left out')
    return sheet
