"""Files of tools that are broken in any place lead to an error that says what was found there."""

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mmpointrend.annotation import PointAnnotationError
from mmpointrend.annotation.formats import FORMATS

FILES = {'datumaro': '', 'label-studio': '', 'labelme': 'a/b.json'}


def places(node: Any, place: tuple = ()) -> Iterator[tuple]:
    """All places in a JSON file but those in our own record."""
    yield place
    children = dict(enumerate(node)) if isinstance(node, list) else node
    for key, child in children.items() if isinstance(children, dict) else ():
        if key != 'mmpointrend':
            yield from places(child, (*place, key))


def put(data: Any, place: tuple, value: Any) -> Any:
    if not place:
        return value
    data = copy.deepcopy(data)
    parent = data
    for key in place[:-1]:
        parent = parent[key]
    parent[place[-1]] = value
    return data


@pytest.mark.parametrize('name', FILES)
def test_no_error_is_one_of_python(name: str, tmp_path: Path, coco: dict[str, Any]) -> None:
    path = tmp_path / 'out'
    FORMATS[name].write(coco, path)
    file = path / FILES[name]
    data = json.loads(file.read_text())
    for place in places(data):
        for value in (None, -1, 'x', [5], {'a': 1}):
            file.write_text(json.dumps(put(data, place, value)))
            try:
                FORMATS[name].read(path)
            except PointAnnotationError as error:
                # Those of other types have messages that say nothing about the file.
                assert isinstance(error.__cause__, (KeyError, ValueError)), (place, value)
