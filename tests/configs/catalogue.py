"""The configs of this repository, and what their names promise."""

import copy
import json
import re
from functools import cache
from pathlib import Path

import pytest
from mmengine.config import Config
from mmengine.utils import import_modules_from_strings

ROOT = Path(__file__).parents[2] / 'configs'
ALL_PATHS = sorted(ROOT.glob('[!_]*/*.py'))
# Those of instance segmentation; the semantic ones have tests of their own.
PATHS = [path for path in ALL_PATHS if not path.parent.name.endswith('_semantic')]
NAME = re.compile(
    r'(?P<method>[a-z0-9-]+)_(?P<backbone>[a-z0-9.-]+)_(?P<neck>[a-z0-9-]+)'
    r'_(?P<supervision>masks|p\d+|p\d+-aug)_(?P<schedule>\d+x|\d+e|\d+k)_(?P<dataset>[a-z0-9-]+)'
)


def fields(path: Path) -> dict[str, str]:
    """The fields of a config's name."""
    match = NAME.fullmatch(path.stem)
    if match is None:
        raise ValueError(
            f'{path}: expected a name like method_backbone_neck_supervision_schedule_dataset.py'
        )
    return match.groupdict()


METHODS = sorted({fields(path)['method'] for path in PATHS})


def load(path: Path) -> Config:
    """Read a config, without the modules that it imports."""
    # Each caller gets its own, because mmdet changes the configs that it builds from.
    return copy.deepcopy(_read(path))


@cache
def _read(path: Path) -> Config:
    return Config.fromfile(path, import_custom_modules=False)


def import_modules(cfg: Config) -> None:
    """Import what a config imports, or skip the test where it is not installed."""
    try:
        import_modules_from_strings(**cfg.get('custom_imports', {'imports': []}))
    except ImportError as error:
        pytest.skip(f'{cfg.custom_imports.imports} cannot be imported: {error}')


def distinct_models() -> dict[str, Path]:
    """One config for every model that at least one config trains, by a short name."""
    found: dict[str, tuple[str, Path]] = {}
    for path in PATHS:
        name = fields(path)
        text = json.dumps(load(path).model.to_dict(), sort_keys=True)
        found.setdefault(text, (f'{name["method"]}_{name["backbone"]}_{name["dataset"]}', path))
    models = dict(found.values())
    if len(models) < len(found):
        raise ValueError(f'models of the same name differ: {[name for name, _ in found.values()]}')
    return models


def first_box_head(model: Config) -> Config:
    """The box head of a model, or that of its first stage: it says how many classes there are."""
    bbox_head = model.roi_head.bbox_head
    return bbox_head[0] if isinstance(bbox_head, list) else bbox_head
