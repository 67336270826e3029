"""Label Studio: a JSON list of tasks, as it imports and exports.

A box is a region of ``rectanglelabels`` with the class as label, a point one of ``keypointlabels``
labelled ``object`` or ``background``; ``parentID`` is the region id of its box, which is what the
tool writes where a point is put under a box in the list of regions, and what its own keypoint
exports ask for. Coordinates are percent of the image. The record is part of each task's ``data``,
which comes back in every export; the first task's has the classes too.
"""

from pathlib import Path
from typing import Any

from ..files import image_name, read_json, write_json
from ..schema import PointAnnotationError
from .sheets import RECORD, Box, Point, Sheet, from_sheets, header, to_sheets
from .values import entry, expecting, numbers, optional

# Diameter of a drawn point, in percent of the image's width.
_POINT_SIZE = 0.5


def read(path: Path) -> tuple[dict[str, Any], list[str]]:
    """Read a JSON export (the full one, not JSON-MIN).

    Args:
        path: The file. An image without a record has ``data.image`` as file name.

    Returns:
        The content of a COCO file with points, and notes; see ``from_sheets``.

    Raises:
        PointAnnotationError: It is no such export. The message names the task.
    """
    notes: list[str] = []
    head: dict[str, Any] = {}
    sheets = []
    with expecting(path, 'a JSON export of Label Studio'):
        tasks = read_json(path)
        if not isinstance(tasks, list):
            raise ValueError(f'a JSON {type(tasks).__name__}')
        for index, task in enumerate(tasks):
            where = f'{path}: tasks[{index}]'
            with expecting(where, 'an image, its size, boxes and points'):
                sheets.append(_read_sheet(task, where, notes))
                head |= optional(sheets[-1].record, 'header', dict, {})
        coco, more = from_sheets(sheets, head, str(path))
    return coco, notes + more


def write(coco: dict[str, Any], path: Path) -> None:
    """Write tasks with annotations, to be imported.

    Args:
        coco: A valid COCO file with points. ``data.image`` becomes the file name.
        path: The JSON file.

    Raises:
        PointAnnotationError: There is no image that could carry the classes, or see ``to_sheets``.
    """
    sheets = to_sheets(coco)
    if not sheets:
        raise PointAnnotationError('found no images, expected at least one task')
    sheets[0].record['header'] = header(coco)
    write_json(path, [_to_task(sheet) for sheet in sheets])


def _to_task(sheet: Sheet) -> dict[str, Any]:
    width, height = sheet.width, sheet.height

    def region(region_id: str, kind: str, label: str, x: float, y: float, **value: float) -> dict:
        place = {'x': 100 * x / width, 'y': 100 * y / height}
        return {
            'id': region_id,
            'type': kind,
            'from_name': kind.removesuffix('labels'),
            'to_name': 'image',
            'original_width': width,
            'original_height': height,
            'image_rotation': 0,
            'value': {**place, **value, kind: [label]},
        }

    regions = []
    for box in sheet.boxes:
        sides = {
            'width': 100 * (box.right - box.left) / width,
            'height': 100 * (box.bottom - box.top) / height,
            'rotation': 0,
        }
        place = (box.left, box.top)
        regions.append(region(f'{box.group}', 'rectanglelabels', box.label, *place, **sides))
    for index, point in enumerate(sheet.points):
        point_id, place = f'{point.group}-{index}', (point.x, point.y)
        drawn = region(point_id, 'keypointlabels', point.label, *place, width=_POINT_SIZE)
        regions.append({**drawn, 'parentID': f'{point.group}'})
    data = {'image': sheet.name, 'width': width, 'height': height, RECORD: sheet.record}
    return {'data': data, 'annotations': [{'result': regions}]}


def _read_sheet(task: Any, where: str, notes: list[str]) -> Sheet:
    data = entry(task, 'data', dict)
    record = optional(data, RECORD, dict, {})
    name = image_name(entry(record, 'image', dict), where) if record else entry(data, 'image', str)
    annotations = optional(task, 'annotations', list, [])
    done = [item for item in annotations if not optional(item, 'was_cancelled', bool)]
    for kind, count in (
        ('annotations after the first', len(done) - 1),
        ('skipped annotations', len(annotations) - len(done)),
        ('predictions', len(optional(task, 'predictions', list, []))),
    ):
        if count > 0:
            notes.append(f'{name}: {count} {kind} left out')
    regions = entry(done[0], 'result', list) if done else []
    sized = [region for region in regions if optional(region, 'original_width', int)]
    item, prefix = (sized[0], 'original_') if sized else (data, '')
    width, height = (entry(item, prefix + side, int) for side in ('width', 'height'))
    sheet = Sheet(name, width, height, record=record)
    for region in regions:
        _add_region(sheet, region, notes)
    return sheet


def _add_region(sheet: Sheet, region: dict[str, Any], notes: list[str]) -> None:
    kind, value = entry(region, 'type', str), optional(region, 'value', dict, {})
    labels = value.get(kind, [])
    straight = not value.get('rotation') and not region.get('image_rotation')
    known = kind in ('rectanglelabels', 'keypointlabels')
    one = isinstance(labels, list) and len(labels) == 1 and isinstance(labels[0], str)
    if not (known and straight and one):
        rotated = '' if straight else 'rotated '
        notes.append(f'{sheet.name}: {rotated}{kind} with labels {labels} left out')
        return
    x, y, w, h = numbers([value['x'], value['y'], value['width'], value.get('height', 0)], 4)
    left, top = x * sheet.width / 100, y * sheet.height / 100
    if kind == 'keypointlabels':
        sheet.points.append(Point(optional(region, 'parentID', str), labels[0], left, top))
    else:
        right, bottom = left + w * sheet.width / 100, top + h * sheet.height / 100
        sheet.boxes.append(Box(entry(region, 'id', str), labels[0], left, top, right, bottom))
