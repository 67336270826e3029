"""labelme: a folder with a JSON file per image.

A box is a ``rectangle`` with the class as label, a point is a ``point`` labelled ``object`` or
``background``; ``group_id`` links those of one object. ``_header.json`` holds the classes. The
record is one more key of each file, which labelme keeps when it saves.
"""

import posixpath
from pathlib import Path, PurePosixPath
from typing import Any

from ..files import image_name, new_folder, read_json, write_json
from ..schema import PointAnnotationError
from .sheets import RECORD, Box, Point, Sheet, from_sheets, header, to_sheets
from .values import entry, expecting, numbers, optional

_HEADER = '_header.json'
_CORNERS = {'rectangle': 2, 'point': 1}


def read(path: Path) -> tuple[dict[str, Any], list[str]]:
    """Read the labelme files below a folder.

    Args:
        path: The folder. An image without a record has its path from here as file name.

    Returns:
        The content of a COCO file with points, and notes; see ``from_sheets``.

    Raises:
        PointAnnotationError: It is no folder, or a file in it is none of labelme's.
    """
    if not path.is_dir():
        raise PointAnnotationError(f'{path}: found no folder, expected one with labelme files')
    sheets: list[Sheet] = []
    notes: list[str] = []
    for file in sorted(path.rglob('*.json')):
        if file != path / _HEADER:
            with expecting(file, 'a labelme file'):
                sheets.append(_read_sheet(file, path, notes))
    head = read_json(path / _HEADER) if (path / _HEADER).is_file() else {}
    with expecting(path, 'a folder of labelme files'):
        coco, more = from_sheets(sheets, head, str(path))
    return coco, notes + more


def write(coco: dict[str, Any], path: Path) -> None:
    """Write a new folder with a labelme file per image, at the image's place.

    Args:
        coco: A valid COCO file with points.
        path: The folder to make.

    Raises:
        FileExistsError: The folder is there.
        PointAnnotationError: The file name of an image leads out of the folder, or two images
            would have the same labelme file, or see ``to_sheets``.
    """
    sheets = to_sheets(coco)
    files: dict[PurePosixPath, Sheet] = {}
    for sheet in sheets:
        name = PurePosixPath(sheet.name)
        if name.is_absolute() or '..' in name.parts or '\\' in sheet.name or not name.name:
            found = f'image {sheet.name!r}'
            raise PointAnnotationError(f'found {found}, expected a path below the images, with /')
        file = name.with_suffix('.json')
        if file in files or file == PurePosixPath(_HEADER):
            found = f'a second {file} for image {sheet.name!r}'
            raise PointAnnotationError(f'found {found}, expected a labelme file per image')
        files[file] = sheet
    with new_folder(path) as folder:
        write_json(folder / _HEADER, header(coco))
        for file, sheet in files.items():
            write_json(folder / file, _to_labelme(sheet))


def _to_labelme(sheet: Sheet) -> dict[str, Any]:
    shapes = [
        _shape('rectangle', box.group, box.label, [[box.left, box.top], [box.right, box.bottom]])
        for box in sheet.boxes
    ]
    shapes += [
        _shape('point', point.group, point.label, [[point.x, point.y]]) for point in sheet.points
    ]
    return {
        'version': '5.5.0',
        'flags': {},
        'shapes': shapes,
        'imagePath': PurePosixPath(sheet.name).name,
        'imageData': None,
        'imageHeight': sheet.height,
        'imageWidth': sheet.width,
        RECORD: sheet.record,
    }


def _shape(kind: str, group: int, label: str, points: list[list[float]]) -> dict[str, Any]:
    shape = {'label': label, 'points': points, 'group_id': group, 'description': ''}
    return {**shape, 'shape_type': kind, 'flags': {}}


def _read_sheet(file: Path, root: Path, notes: list[str]) -> Sheet:
    data = read_json(file)
    record = optional(data, RECORD, dict, {})
    if record:
        name = image_name(entry(record, 'image', dict), str(file))
    else:
        place = f'{file.parent.relative_to(root).as_posix()}/{entry(data, "imagePath", str)}'
        name = posixpath.normpath(place.replace('\\', '/'))
    width, height = entry(data, 'imageWidth', int), entry(data, 'imageHeight', int)
    sheet = Sheet(name, width, height, record=record)
    for shape in entry(data, 'shapes', list):
        kind, label = entry(shape, 'shape_type', str), entry(shape, 'label', str)
        group = optional(shape, 'group_id', int)
        if kind not in _CORNERS:
            notes.append(f'{name}: {kind} {label!r} left out')
            continue
        corners = [numbers(corner, 2) for corner in entry(shape, 'points', list)]
        places = numbers([value for corner in corners for value in corner], 2 * _CORNERS[kind])
        if kind == 'rectangle':
            sheet.boxes.append(Box(group, label, *places))
        else:
            sheet.points.append(Point(group, label, *places))
    return sheet
