"""Reading and writing annotation files: checked on the way in, complete on the way out."""

import contextlib
import hashlib
import json
import os
import shutil
from argparse import ArgumentParser
from collections.abc import Callable, Collection, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any, TextIO

from .schema import PointAnnotationError

# Annotations that become text together, which takes less time than one by one.
_CHUNK = 256


def read_coco(
    path: str | Path, object_hook: Callable[[dict[str, Any]], Any] | None = None
) -> tuple[dict[str, Any], dict[Any, dict[str, Any]]]:
    """Read a COCO json and check what links its parts.

    Args:
        path: A COCO file, with masks or with points.
        object_hook: What to do with each JSON object; see :func:`json.loads`.

    Returns:
        The content of the file and its images by id. Every image has an integer ``width`` and
        ``height`` of at least 1, every category a ``name``, every annotation an integer ``id``
        >= 0 that no other one has, and an ``image_id`` and a ``category_id`` that exist.

    Raises:
        FileNotFoundError: There is no such file.
        PointAnnotationError: The file is no COCO json, or its parts do not fit together. The
            message names the file and the image or annotation id.
    """

    data = read_json(path, object_hook)
    return data, check_coco(data, str(path))


def read_json(path: str | Path, object_hook: Callable[[dict[str, Any]], Any] | None = None) -> Any:
    """Read a JSON file.

    Args:
        path: The file.
        object_hook: What to do with each JSON object; see :func:`json.loads`.

    Raises:
        FileNotFoundError: There is no such file.
        PointAnnotationError: It is no valid JSON.
    """
    try:
        return json.loads(Path(path).read_text(encoding='utf-8'), object_hook=object_hook)
    except ValueError as cause:
        raise PointAnnotationError(
            f'{path}: found no valid JSON ({cause}), expected an annotation file'
        ) from cause


def check_coco(data: Any, source: str) -> dict[Any, dict[str, Any]]:
    """Check what links the parts of a COCO file.

    Args:
        data: Content of the file.
        source: The file, for the error message.

    Returns:
        The images by id; see :func:`read_coco` for what holds.

    Raises:
        PointAnnotationError: See :func:`read_coco`.
    """

    def error(found: str, expected: str) -> PointAnnotationError:
        return PointAnnotationError(f'{source}: found {found}, expected {expected}')

    if not isinstance(data, dict):
        raise error(f'a JSON {type(data).__name__}', 'a JSON object')
    parts = ('images', 'annotations', 'categories')
    for key in parts:
        if not isinstance(data.get(key), list):
            raise error(f'no list {key!r} (keys: {list(data)})', ', '.join(map(repr, parts)))
        for index, item in enumerate(data[key]):
            if not isinstance(item, dict) or 'id' not in item:
                raise error(f'{key}[{index}] without an id', f"an 'id' in each of {key!r}")

    images: dict[Any, dict[str, Any]] = {}
    for image in data['images']:
        if not isinstance(image['id'], (int, str)):
            raise error(f'image id {image["id"]!r}', 'a number or a text')
        if image['id'] in images:
            raise error(f'image id {image["id"]!r} twice', 'every image once')
        for side in ('width', 'height'):
            if not _is_int(value := image.get(side)) or value < 1:
                raise error(f'image {image["id"]!r} with {side} {value!r}', 'an integer >= 1')
        images[image['id']] = image

    for category in data['categories']:
        if not isinstance(name := category.get('name'), str) or not name:
            raise error(f'category {category["id"]!r} with name {name!r}', 'a text')
    category_ids = {category['id'] for category in data['categories']}
    known = {'image_id': ('images', images), 'category_id': ('categories', category_ids)}
    seen = set()
    for ann in data['annotations']:
        if not _is_int(ann['id']) or ann['id'] < 0:
            raise error(f'annotation id {ann["id"]!r}', 'an integer >= 0')
        if ann['id'] in seen:
            raise error(f'annotation id {ann["id"]} twice', 'every annotation once')
        seen.add(ann['id'])
        for key, (part, ids) in known.items():
            value = ann.get(key)
            if not isinstance(value, (int, str)) or value not in ids:
                raise error(
                    f'annotation {ann["id"]} with {key} {value!r}',
                    f'the id of one of the {len(ids)} {part!r}',
                )
    return images


def image_name(image: dict[str, Any], source: str) -> str:
    """Return where an image is in the folder of all images.

    Args:
        image: An image of a COCO file.
        source: The file, for the error message.

    Returns:
        Its ``file_name``, or without one the last two parts of its ``coco_url``, which LVIS v1
        has instead: ``train2017/000000391895.jpg``.

    Raises:
        PointAnnotationError: It has neither.
    """
    name, address = image.get('file_name'), image.get('coco_url')
    if isinstance(name, str) and name:
        return name
    if isinstance(address, str) and address:
        return '/'.join(address.split('/')[-2:])
    found = f'image {image["id"]!r} with file_name {name!r} and coco_url {address!r}'
    raise PointAnnotationError(f'{source}: found {found}, expected a text in one of them')


def check_files(
    parser: ArgumentParser,
    inputs: Collection[Path],
    outputs: Iterable[Path] = (),
    force: bool = False,
) -> None:
    """Check the files of a command line, before long work begins.

    Args:
        parser: Its ``error`` ends the command where an input is no file, or an output is a folder,
            lies below a file, is one of the inputs, or is there already without ``force``.
        inputs: Files to read.
        outputs: Files to write.
        force: Whether outputs that are there may be replaced.
    """
    for path in inputs:
        if not path.is_file():
            parser.error(f'{path}: no such file')
    for path in outputs:
        if path.is_dir():
            parser.error(f'{path}: found a folder, expected a file to write')
        folder = next(parent for parent in path.parents if parent.exists())
        if not folder.is_dir():
            parser.error(f'{path}: found the file {folder}, expected a folder')
        if not path.exists():
            continue
        if any(path.samefile(other) for other in inputs):
            parser.error(f'{path}: found the input, expected another file to write')
        if not force:
            parser.error(f'{path}: exists already; --force replaces it')


def add_history(data: dict[str, Any], **step: Any) -> dict[str, Any]:
    """Return the content of a COCO file with one more step in the list ``history`` of its ``info``.

    Args:
        data: Content of the file; stays as it is.
        **step: What was done to it, values that JSON has.
    """
    info = data['info'] if isinstance(data.get('info'), dict) else {}
    return {**data, 'info': {**info, 'history': [*info.get('history', []), step]}}


def write_json(path: str | Path, data: Any) -> None:
    """Write a JSON file that is either complete or not there; see :func:`write_text`."""
    # One string: json.dump into a file is several times slower than json.dumps.
    write_text(path, json.dumps(data))


def write_coco(
    path: str | Path, data: dict[str, Any], annotations: Iterable[dict[str, Any]]
) -> None:
    """Write a COCO file whose annotations come one by one and need not be in memory together.

    Args:
        path: See :func:`write_text`.
        data: Everything else in the file, not empty.
        annotations: The annotations, which become the last part.
    """
    with _new_file(Path(path)) as file:
        file.write(json.dumps(data)[:-1] + ', "annotations": [')
        rest, separator = iter(annotations), ''
        while chunk := list(islice(rest, _CHUNK)):
            file.write(separator + json.dumps(chunk)[1:-1])
            separator = ', '
        file.write(']}')


def write_text(path: str | Path, text: str) -> None:
    """Write a file that is either complete or not there.

    Args:
        path: Where to write; an existing file is replaced. Missing folders are made.
        text: What to write, as UTF-8.
    """
    with _new_file(Path(path)) as file:
        file.write(text)


@contextlib.contextmanager
def _new_file(path: Path) -> Iterator[TextIO]:
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f'.{path.name}.{os.getpid()}.partial')
    try:
        with partial.open('w', encoding='utf-8') as file:
            yield file
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


@contextlib.contextmanager
def new_folder(path: str | Path) -> Iterator[Path]:
    """Fill a folder that is either complete or not there.

    Args:
        path: The folder to make.

    Yields:
        A temporary folder beside it, renamed to ``path`` at the end and removed on an error.

    Raises:
        FileExistsError: ``path`` is there already.
    """
    path = Path(path)
    if path.exists():
        raise FileExistsError(f'{path}: exists already, expected a new folder')
    partial = path.with_name(f'.{path.name}.{os.getpid()}.partial')
    partial.mkdir(parents=True)
    try:
        yield partial
        partial.rename(path)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def job_folder(path: Path, *job: object) -> Path:
    """Name the folder in which unfinished work is kept, so that the same job continues there.

    Args:
        path: What the job makes.
        *job: All that its result depends on, with a ``repr`` that says it.

    Returns:
        A folder beside ``path``: the same for the same job, another one for every other.
    """
    digest = hashlib.sha256(repr(job).encode()).hexdigest()[:8]
    return path.with_name(f'.{path.name}.{digest}.partial')


def _is_int(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
