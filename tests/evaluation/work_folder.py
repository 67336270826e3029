"""Work folders as mmengine leaves them."""

import copy
import json
from pathlib import Path
from typing import Any

from mmengine.config import Config

NAME = 'mask-rcnn_r18-small_fpn_masks_24e_nuclei'


def config(**values: Any) -> Config:
    """A config of two epochs from masks; values by dotted key."""
    cfg = Config(
        {
            'model': {'type': 'MaskRCNN', 'data': [1, {'depth': 18}]},
            'train_dataloader': {
                'num_workers': 1,
                'dataset': {
                    'type': 'CocoDataset',
                    'data_root': 'data/',
                    'ann_file': 'train.json',
                },
            },
            'test_dataloader': {'dataset': {'type': 'CocoDataset'}},
            'train_cfg': {'type': 'EpochBasedTrainLoop', 'max_epochs': 2},
            'default_hooks': {'logger': {'interval': 50}},
            'randomness': {'seed': 0},
            'load_from': None,
        }
    )
    cfg.merge_from_dict(copy.deepcopy(values))
    return cfg


def training(epoch: int, step: int, **values: float) -> dict[str, float]:
    return {'loss': 1.0, 'time': 0.5, 'epoch': epoch, 'iter': step, 'step': step, **values}


def validation(mask_ap: float, step: int = 2, **values: float) -> dict[str, float]:
    return {'coco/segm_mAP': mask_ap, 'time': 0.1, 'step': step, **values}


def write_session(folder: Path, session: str, cfg: Config, lines: list[dict]) -> None:
    data = folder / session / 'vis_data'
    data.mkdir(parents=True)
    cfg.dump(data / 'config.py')
    if lines:
        (data / 'scalars.json').write_text(''.join(f'{json.dumps(line)}\n' for line in lines))


def write_run(
    folder: Path,
    mask_ap: float,
    name: str = NAME,
    lines: list[dict] | None = None,
    **values: Any,
) -> Path:
    """A finished run, and its folder; values of the config by dotted key."""
    cfg = config(**values)
    if lines is None:
        lines = [training(1, 30), training(2, 60), validation(mask_ap)]
    write_session(folder, '20260101_000000', cfg, lines)
    cfg.dump(folder / f'{name}.py')
    return folder
