"""Reading what a training run left in its work folder."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from mmengine.config import Config

NAME = re.compile(
    r'(?P<method>[^_]+)_(?P<backbone>[^_]+)_(?P<neck>[^_]+)'
    r'_(?P<supervision>[^_]+)_(?P<schedule>[^_]+)_(?P<dataset>[^_]+)'
)
SESSION = re.compile(r'\d{8}_\d{6}')

# Each metric under the first of these keys that a log has.
METRICS = {
    'box AP': ('coco/bbox_mAP', 'lvis/bbox_AP'),
    'mask AP': ('cityscapes/mAP', 'coco/segm_mAP', 'lvis/segm_AP'),
    'mask AP50': ('cityscapes/AP@50', 'coco/segm_mAP_50', 'lvis/segm_AP50'),
    'mask AP75': ('coco/segm_mAP_75', 'lvis/segm_AP75'),
    'boundary AP': ('coco/boundary_mAP',),
}

# What a config says besides the experiment: where and how it runs, what it logs, what --tta would
# do (a test with --tta has it in its model).
INCIDENTAL = {
    'work_dir',
    'randomness',
    'resume',
    'launcher',
    'env_cfg',
    'default_hooks',
    'vis_backends',
    'visualizer',
    'log_level',
    'log_processor',
    'val_evaluator',
    'test_evaluator',
    'tta_model',
    'tta_pipeline',
    'num_workers',
    'persistent_workers',
    'pin_memory',
}


class RunError(ValueError):
    """A work folder holds no finished run; the message says why."""


@dataclass(frozen=True)
class Run:
    """A finished training run.

    Attributes:
        folder: Its work folder.
        config: Name of its config.
        fields: What the name says: method, backbone, neck, supervision, schedule, dataset.
        seed: Seed of its random numbers; None if the config has none.
        load_from: Checkpoint whose weights it started with; None if it began anew.
        settings: Whatever may change its result, each value of the config by its dotted key.
        metrics: Those of ``METRICS`` that the last validation measured, in percent.
        memory: Most memory of the GPU in GB; None on a CPU.
        seconds: Median of the seconds per iteration.
        annotations: Annotation files that it trained from, and whether each holds points.
    """

    folder: Path
    config: str
    fields: dict[str, str]
    seed: int | None
    load_from: str | None
    settings: dict[str, str]
    metrics: dict[str, float]
    memory: float | None
    seconds: float
    annotations: tuple[tuple[str, bool], ...]


def read_run(folder: Path) -> Run:
    """Read the work folder of one training run.

    A run may be resumed, which adds a session. Sessions of ``tools/test.py`` on its last checkpoint
    count too: their metrics complete, and where both are there replace, those of training.

    Args:
        folder: A work folder of mmengine: a config, and a folder for each session.

    Returns:
        The run.

    Raises:
        RunError: The folder is none of these, the run is not finished, or its name does not follow
            ``{method}_{backbone}_{neck}_{supervision}_{schedule}_{dataset}``.
    """
    configs = list(folder.glob('*.py'))
    if len(configs) != 1:
        raise RunError(f'found {len(configs)} configs (*.py), expected the one of a run')
    name = NAME.fullmatch(configs[0].stem)
    if name is None:
        raise RunError(
            f'found the config {configs[0].name}, expected '
            '{method}_{backbone}_{neck}_{supervision}_{schedule}_{dataset}.py'
        )

    sessions = sorted(path for path in folder.iterdir() if SESSION.fullmatch(path.name))
    logs = {session: _read_log(session / 'vis_data' / 'scalars.json') for session in sessions}
    trained = [session for session in sessions if any('loss' in line for line in logs[session])]
    if not trained:
        raise RunError('found no log of a training')
    first, cfg = _read_config(trained[0]), _read_config(trained[-1])
    # Where a run is resumed, this key says what from; the first session says how it started.
    cfg.load_from = None if first.get('resume') else first.get('load_from')
    lines = [line for session in trained for line in logs[session]]
    training = [line for line in lines if 'loss' in line]
    checkpoint = _last_checkpoint(cfg, training[-1])
    metrics = _metrics(lines[-1])
    if not metrics:
        raise RunError('found none of the known metrics after the last iteration')
    for session in sessions:
        if session not in trained:
            metrics |= _tested(session, cfg, checkpoint)

    memory = [line['memory'] for line in training if 'memory' in line]
    return Run(
        folder=folder,
        config=configs[0].stem,
        fields=name.groupdict(),
        seed=cfg.get('randomness', {}).get('seed'),
        load_from=cfg.load_from,
        settings=dict(_settings(cfg.to_dict())),
        metrics=metrics,
        memory=max(memory) / 1024 if memory else None,
        seconds=median(line['time'] for line in training),
        annotations=tuple(_annotations(cfg.train_dataloader.dataset)),
    )


def _read_log(path: Path) -> list[dict[str, Any]]:
    """The lines of a log, without a last one that is not complete yet."""
    if not path.is_file():
        return []
    return [_read_json(line, path) for line in path.read_text().split('\n')[:-1]]


def _read_json(text: str, path: Path) -> dict[str, Any]:
    try:
        return json.loads(text)
    except ValueError as error:
        raise RunError(f'{path}: found no valid JSON ({error})') from error


def _read_config(session: Path) -> Config:
    path = session / 'vis_data' / 'config.py'
    try:
        return Config.fromfile(path, import_custom_modules=False)
    except Exception as error:  # a config is a program: it fails in any way
        raise RunError(f'{path} cannot be read: {" ".join(str(error).split())}') from error


def _last_checkpoint(cfg: Config, last: dict[str, Any]) -> str:
    """Name of the checkpoint at the end of a training.

    Raises:
        RunError: The last line that was logged in training is before its end.
    """
    if 'max_epochs' in cfg.train_cfg:
        total, found, unit = cfg.train_cfg.max_epochs, last['epoch'], 'epoch'
        finished = found == total
    else:
        total, found, unit = cfg.train_cfg.max_iters, last['step'], 'iter'
        # The last iterations are logged only where the interval divides their number.
        finished = found > total - cfg.default_hooks.logger.get('interval', 10)
    if not finished:
        raise RunError(f'not finished: found {unit} {found} of {total}')
    return f'{unit}_{total}.pth'


def _metrics(line: dict[str, float]) -> dict[str, float]:
    """The known metrics of a line, in percent; COCO writes -1 where there is no object."""
    found = {
        metric: next((line[key] for key in keys if key in line), -1)
        for metric, keys in METRICS.items()
    }
    return {metric: round(100 * value, 3) for metric, value in found.items() if value >= 0}


def _tested(session: Path, trained: Config, checkpoint: str) -> dict[str, float]:
    """Metrics of a session that tested the last checkpoint; none of any other session."""
    results = session / f'{session.name}.json'
    if not results.is_file():
        return {}
    cfg = _read_config(session)
    same = all(cfg.get(key) == trained.get(key) for key in ('model', 'test_dataloader'))
    if not same or Path(cfg.get('load_from') or '').name != checkpoint:
        return {}
    return _metrics(_read_json(results.read_text(), results))


def _settings(value: Any, key: str = '') -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for name, item in value.items():
            if name not in INCIDENTAL:
                yield from _settings(item, f'{key}.{name}' if key else name)
    elif isinstance(value, (list, tuple)):
        for index, item in enumerate(value):
            yield from _settings(item, f'{key}.{index}')
    else:
        yield key, str(value)


def _annotations(dataset: Config) -> Iterator[tuple[str, bool]]:
    for part in dataset.get('datasets', [dataset]):
        if 'dataset' in part or 'datasets' in part:
            yield from _annotations(part.get('dataset', part))
        else:
            from_points = part.type.startswith('mmpointrend.Point')
            yield str(Path(part.get('data_root') or '', part.ann_file)), from_points
