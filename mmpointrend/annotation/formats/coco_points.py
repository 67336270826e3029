"""The format of this project: a COCO json with points in place of masks."""

from pathlib import Path
from typing import Any

from ..files import read_coco, write_json


def read(path: Path) -> tuple[dict[str, Any], list[str]]:
    """Read a COCO file with points; there is nothing to note."""
    return read_coco(path)[0], []


def write(coco: dict[str, Any], path: Path) -> None:
    """Write a COCO file with points."""
    write_json(path, coco)
