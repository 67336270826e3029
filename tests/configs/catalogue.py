"""The configs of this repository, and what their names promise."""

import copy
import json
import re
from functools import cache
from pathlib import Path

from mmengine.config import Config

ROOT = Path(__file__).parents[2] / 'configs'
PATHS = sorted(ROOT.glob('[!_]*/*.py'))
NAME = re.compile(
    r'(?P<method>[a-z0-9-]+)_(?P<backbone>[a-z0-9-]+)_(?P<neck>[a-z0-9-]+)'
    r'_(?P<supervision>masks|p\d+|p\d+-aug)_(?P<schedule>\d+x|\d+e)_(?P<dataset>[a-z0-9-]+)'
)


def fields(path: Path) -> dict[str, str]:
    """The fields of a config's name."""
    match = NAME.fullmatch(path.stem)
    if match is None:
        raise ValueError(
            f'{path}: expected a name like method_backbone_neck_supervision_schedule_dataset.py'
        )
    return match.groupdict()


def load(path: Path) -> Config:
    """Read a config."""
    # Each caller gets its own, because mmdet changes the configs that it builds from.
    return copy.deepcopy(_read(path))


@cache
def _read(path: Path) -> Config:
    return Config.fromfile(path)


def distinct_models() -> dict[str, Path]:
    """One config for every model that at least one config trains, by a short name."""
    found: dict[str, tuple[str, Path]] = {}
    for path in PATHS:
        name = fields(path)
        text = json.dumps(load(path).model.to_dict(), sort_keys=True)
        found.setdefault(text, (f'{name["method"]}_{name["backbone"]}_{name["dataset"]}', path))
    return dict(found.values())
