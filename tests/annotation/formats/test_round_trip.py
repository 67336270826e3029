"""There and back again: the file that comes out is the file that went in."""

import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings

from mmpointrend.annotation import check_coco, validate_points
from mmpointrend.annotation.formats import FORMATS

from .strategies import coco_files


@pytest.mark.parametrize('name', FORMATS)
@settings(max_examples=30, deadline=None)
@given(coco=coco_files())
def test_every_format_gives_back_what_it_got(name: str, coco: dict[str, Any]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / 'out'
        FORMATS[name].write(coco, path)
        assert FORMATS[name].read(path)[0] == coco


@settings(max_examples=20, deadline=None)
@given(coco=coco_files())
def test_a_tour_through_all_tools_is_one_too(coco: dict[str, Any]) -> None:
    current = coco
    with tempfile.TemporaryDirectory() as folder:
        for name, module in FORMATS.items():
            module.write(current, Path(folder) / name)
            current = module.read(Path(folder) / name)[0]
    assert current == coco


@settings(max_examples=100, deadline=None)
@given(coco=coco_files())
def test_the_random_files_are_valid(coco: dict[str, Any]) -> None:
    assert validate_points(coco, check_coco(coco, 'in'), 'in').errors == []
