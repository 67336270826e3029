"""What all annotation tools have in common: per image, boxes and points that belong together.

A tool knows boxes with a class and points with a label, and a *group*, a number or text that the
parts of one object share. It has no place for the rest of a COCO file (ids, areas, licences), so
that travels beside the shapes in a *record* that tools pass on or ignore. Where the record comes
back, what the tool left alone is as it was before, bit by bit; without it, ids are numbered anew.

Tools have continuous coordinates with the origin at the image's upper left corner. A point of ours
is written as the centre of its pixel, +0.5, and a point of theirs lies in the pixel of its floor.
"""

import math
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any, NamedTuple

from ..files import image_name
from ..schema import PointAnnotationError, short_repr

# Labels of points. The class of an object is that of its box.
OBJECT, BACKGROUND = 'object', 'background'
_LABELS = {OBJECT: 1, BACKGROUND: 0}
_NAMES = {value: name for name, value in _LABELS.items()}

_POINT_KEYS = ('point_coords', 'point_labels')

# Key of the record in the files of tools.
RECORD = 'mmpointrend'

# Attribute of a box that is a crowd region, in tools that have attributes: Datumaro's name for it.
CROWD = 'is_crowd'
_CROWDS = {'true': True, '1': True, '1.0': True, 'false': False, '0': False, '0.0': False}

# A box has been moved if one of its sides has, by this many pixels; less is rounding.
_MOVED = 0.01


class Box(NamedTuple):
    """A box: its group (None: none), its class, its sides in continuous pixels, and whether it is
    a crowd region (None: the tool cannot say, and the record does).
    """

    group: Any
    label: str
    left: float
    top: float
    right: float
    bottom: float
    crowd: bool | None = None


class Point(NamedTuple):
    """A point: its group (None: none), OBJECT or BACKGROUND, its place in continuous pixels."""

    group: Any
    label: str
    x: float
    y: float


@dataclass
class Sheet:
    """One image as an annotation tool knows it.

    Attributes:
        name: Its path below the folder of images; see ``image_name``.
        width: Its width in pixels.
        height: Its height in pixels.
        boxes: The boxes of its objects.
        points: Their points; those of one object in their order.
        record: ``index`` (the image's place in the file), ``image`` and ``annotations`` (by group)
            as they are in the COCO file, points aside. Empty if there is none.
    """

    name: str
    width: int
    height: int
    boxes: list[Box] = field(default_factory=list)
    points: list[Point] = field(default_factory=list)
    record: dict[str, Any] = field(default_factory=dict)


def to_sheets(coco: dict[str, Any]) -> list[Sheet]:
    """Return a sheet per image; the group of an object is its place in the file, 1 for the first.

    Args:
        coco: A valid COCO file with points.

    Raises:
        PointAnnotationError: An image has no name, or two images or two classes have the same
            one, by which tools know them.
    """
    names = {category['id']: category.get('name') for category in coco['categories']}
    _check_names('category', names.values())
    image_names = [image_name(image, 'coco') for image in coco['images']]
    _check_names('image', image_names)
    sheets = {}
    for index, (image, name) in enumerate(zip(coco['images'], image_names, strict=True)):
        record = {'index': index, 'image': image, 'annotations': {}}
        sheets[image['id']] = Sheet(name, image['width'], image['height'], record=record)
    for group, ann in enumerate(coco['annotations'], start=1):
        sheet = sheets[ann['image_id']]
        x, y, w, h = ann['bbox']
        crowd = bool(ann.get('iscrowd', 0))
        sheet.boxes.append(Box(group, names[ann['category_id']], x, y, x + w, y + h, crowd))
        # Empty lists stay in the record: a crowd region may have them or not.
        rest = {key: value for key, value in ann.items() if not (key in _POINT_KEYS and value)}
        sheet.record['annotations'][str(group)] = rest
        pairs = zip(ann.get('point_coords', []), ann.get('point_labels', []), strict=True)
        for (px, py), label in pairs:
            sheet.points.append(Point(group, _NAMES[label], px + 0.5, py + 0.5))
    return list(sheets.values())


def header(coco: dict[str, Any]) -> dict[str, Any]:
    """Return what a COCO file has besides images and annotations: classes, info, licences."""
    return {key: value for key, value in coco.items() if key not in ('images', 'annotations')}


def from_sheets(
    sheets: list[Sheet], head: dict[str, Any], source: str
) -> tuple[dict[str, Any], list[str]]:
    """Put a COCO file together.

    Args:
        sheets: The images.
        head: See :func:`header`. Without ``categories``, the labels of the boxes are the
            classes, in alphabetical order.
        source: The file or folder, for error messages.

    Returns:
        The content of a COCO file with points, and one note per shape that was left out or is
        alone: a point without a box, a box without points, a label that nobody knows.

    Raises:
        PointAnnotationError: Two images have the same name.
    """
    _check_names('image', [sheet.name for sheet in sheets], f'{source}: ')
    if 'categories' not in head:
        labels = sorted({box.label for sheet in sheets for box in sheet.boxes})
        head = {**head, 'categories': number_labels(labels)}
    category_ids = {category['name']: category['id'] for category in head['categories']}

    sheets = sorted(sheets, key=lambda sheet: sheet.record.get('index', math.inf))
    images = [_image(sheet) for sheet in sheets]
    _number(images)
    found: list[tuple[float, dict[str, Any]]] = []
    notes: list[str] = []
    for sheet, image in zip(sheets, images, strict=True):
        for place, ann in _objects(sheet, category_ids, notes):
            found.append((place, {**ann, 'image_id': image['id']}))
    annotations = [ann for _, ann in sorted(found, key=lambda item: item[0])]
    _number(annotations)
    return {**head, 'images': images, 'annotations': annotations}, notes


def number_labels(labels: list[str]) -> list[dict[str, Any]]:
    """Return ``categories`` with these names, numbered from 1."""
    return [{'id': index, 'name': name} for index, name in enumerate(labels, start=1)]


def class_labels(labels: list[str], sheets: list[Sheet]) -> list[str]:
    """Return the classes among the labels of a tool that has one list for boxes and points."""
    used = {box.label for sheet in sheets for box in sheet.boxes}
    return [label for label in labels if label in used or label not in _LABELS]


def runs(points: list[Point]) -> Iterator[tuple[Any, str, list[Point]]]:
    """Yield group, label and points of each run of points that share both."""
    for (group, label), run in groupby(points, key=lambda point: (point.group, point.label)):
        yield group, label, list(run)


def is_crowd(attribute: Any) -> bool | None:
    """Return what the attribute ``CROWD`` of a box says, None if it has none.

    Raises:
        ValueError: It is neither true nor false.
    """
    if attribute is None:
        return None
    text = str(attribute).lower()
    if text not in _CROWDS:
        raise ValueError(f'{CROWD} {short_repr(attribute)} in place of true or false')
    return _CROWDS[text]


def _image(sheet: Sheet) -> dict[str, Any]:
    sides = {'width': sheet.width, 'height': sheet.height}
    image = {**sheet.record.get('image', {}), **sides}
    # One that has its name from an address goes on without a file name.
    if not sheet.record or image_name(image, sheet.name) != sheet.name:
        image['file_name'] = sheet.name
    return image


def _objects(
    sheet: Sheet, category_ids: dict[str, Any], notes: list[str]
) -> Iterator[tuple[float, dict[str, Any]]]:
    """Yield place and annotation of the objects on a sheet, and add to the notes."""
    points = defaultdict(list)
    for point in sheet.points:
        points[point.group].append(point)
    orphans = points.pop(None, [])
    for box in sheet.boxes:
        if box.label not in category_ids:
            notes.append(f'{sheet.name}: box of unknown class {box.label!r} left out')
            continue
        own = points.pop(box.group, [])
        coords, labels = _inside(own, sheet, notes)
        old = sheet.record.get('annotations', {}).get(str(box.group))
        place = int(box.group) if old else math.inf
        ann = {**(old or {'iscrowd': 0}), 'category_id': category_ids[box.label], **_box(box, old)}
        if box.crowd is not None and box.crowd != bool(ann.get('iscrowd', 0)):
            ann['iscrowd'] = int(box.crowd)
        crowd = ann.get('iscrowd', 0)
        if labels or not crowd:
            ann |= {'point_coords': coords, 'point_labels': labels}
        if not labels and not crowd:
            notes.append(f'{sheet.name}: box {box.label!r}{_of(box.group)} without points')
        yield place, ann
    for group, alone in ((None, orphans), *points.items()):
        if alone:
            notes.append(f'{sheet.name}: {len(alone)} points{_of(group)} without a box left out')


def _inside(
    points: list[Point], sheet: Sheet, notes: list[str]
) -> tuple[list[list[int]], list[int]]:
    coords, labels = [], []
    for point in points:
        if point.label not in _LABELS:
            problem = f'of unknown label {point.label!r}'
        elif not (0 <= point.x <= sheet.width and 0 <= point.y <= sheet.height):
            problem = 'outside the image'
        else:
            # The far edge belongs to the last pixel: tools let clicks end up there.
            x = min(math.floor(point.x), sheet.width - 1)
            y = min(math.floor(point.y), sheet.height - 1)
            coords.append([x, y])
            labels.append(_LABELS[point.label])
            continue
        where = f'{sheet.name}: point at {point.x:g}, {point.y:g}{_of(point.group)}'
        notes.append(f'{where} {problem} left out')
    return coords, labels


def _box(box: Box, old: dict[str, Any] | None) -> dict[str, Any]:
    """Return ``bbox`` and ``area``: the old ones if the box has not been moved."""
    left, right = sorted((box.left, box.right))
    top, bottom = sorted((box.top, box.bottom))
    if old:
        x, y, w, h = old['bbox']
        sides = zip((left, top, right, bottom), (x, y, x + w, y + h), strict=True)
        if all(abs(new - before) < _MOVED for new, before in sides):
            return {'bbox': old['bbox'], 'area': old['area']}
    bbox = [round(value, 3) for value in (left, top, right - left, bottom - top)]
    return {'bbox': bbox, 'area': bbox[2] * bbox[3]}


def _number(items: list[dict[str, Any]]) -> None:
    """Give an id to each item that has none, or one that an earlier item has."""
    taken: set[Any] = set()
    fresh = max([item['id'] for item in items if isinstance(item.get('id'), int)], default=0)
    for item in items:
        if 'id' not in item or item['id'] in taken:
            fresh += 1
            item['id'] = fresh
        taken.add(item['id'])


def _check_names(kind: str, names: Any, source: str = '') -> None:
    seen = set()
    for name in names:
        if not isinstance(name, str) or not name:
            raise PointAnnotationError(f'{source}found {kind} name {name!r}, expected a text')
        if name in seen:
            raise PointAnnotationError(f'{source}found {kind} {name!r} twice, expected it once')
        seen.add(name)


def _of(group: Any) -> str:
    return '' if group is None else f' of group {group}'
