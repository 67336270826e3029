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
    r'_(?P<supervision>masks|pseudo|p\d+(-aug|-random|-boundary)?)_(?P<schedule>\d+x|\d+e|\d+k)_(?P<dataset>[a-z0-9-]+)'
)


def fields(path: Path) -> dict[str, str]:
    """The fields of a config's name."""
    match = NAME.fullmatch(path.stem)
    if match is None:
        raise ValueError(
            f'{path}: expected a name like method_backbone_neck_supervision_schedule_dataset.py'
        )
    return match.groupdict()


def from_points(path: Path) -> bool:
    """Whether a config trains from annotated points."""
    return fields(path)['supervision'] not in ('masks', 'pseudo')


METHODS = sorted({fields(path)['method'] for path in PATHS})
# One part of Implicit PointRend is exchanged, and its name appended.
ABLATIONS = [method for method in METHODS if method.startswith('implicit-pointrend-')]


def model_name(path: Path) -> str:
    """A short name of the model that a config trains."""
    name = fields(path)
    return '_'.join(name[key] for key in ('method', 'backbone', 'supervision', 'dataset'))


def config_of(method: str) -> Path:
    """A config of a method, with ResNet-50 where there is one."""
    paths = [path for path in PATHS if fields(path)['method'] == method]
    return next((path for path in paths if fields(path)['backbone'] == 'r50'), paths[0])


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
        model = load(path).model.to_dict()
        # How a model predicts may depend on what it was trained from.
        text = json.dumps({**model, 'test_cfg': None}, sort_keys=True)
        found.setdefault(text, (model_name(path), path))
    models = dict(found.values())
    if len(models) < len(found):
        raise ValueError(f'models of the same name differ: {[name for name, _ in found.values()]}')
    return models


def class_head_key(model: Config) -> str:
    """The key of the head that says how many classes a model has."""
    if 'roi_head' in model:
        return 'roi_head.bbox_head' + ('.0' if isinstance(model.roi_head.bbox_head, list) else '')
    return 'panoptic_head' if 'panoptic_head' in model else 'bbox_head'


def entries(config: dict | list, key: str = '') -> dict[str, object]:
    """All entries of a config and of what is in it, by their keys with dots."""
    found = {}
    pairs = config.items() if isinstance(config, dict) else enumerate(config)
    for name, value in pairs:
        found[f'{key}{name}'] = value
        if isinstance(value, dict | list | tuple):
            found |= entries(value, f'{key}{name}.')
    return found
