"""Cityscapes as it is downloaded, through mmdet's converter, to points that a config trains on."""

import os
import subprocess
import sys
from pathlib import Path

import cv2
import mmdet
import numpy as np
import pytest
from mmdet.registry import DATASETS
from mmengine.config import Config
from mmengine.registry import DefaultScope

from mmpointrend.structures import PointMasks

ROOT = Path(__file__).parents[2]
CONFIG = ROOT / 'configs/_base_/datasets/cityscapes_instance_p10.py'
CONVERTER = Path(mmdet.__path__[0]) / '.mim/tools/dataset_converters/cityscapes.py'
HEIGHT, WIDTH = 64, 128


@pytest.fixture
def downloaded(tmp_path: Path) -> Path:
    """Two images of each split: a car, a person, and a group of cars that nobody told apart."""
    ids = np.full((HEIGHT, WIDTH), 7, np.uint16)
    ids[10:40, 10:50] = 26_000
    ids[20:60, 70:100] = 24_001
    ids[:8, :8] = 26
    image = np.random.default_rng(0).integers(0, 255, (HEIGHT, WIDTH, 3), np.uint8)
    classes = np.where(ids < 1000, ids, ids // 1000).astype(np.uint8)
    for split in ('train', 'val', 'test'):
        for kind in ('leftImg8bit', 'gtFine'):
            (tmp_path / kind / split / 'aachen').mkdir(parents=True)
        for number in range(2):
            name = f'{split}/aachen/aachen_00000{number}_000019'
            cv2.imwrite(str(tmp_path / f'leftImg8bit/{name}_leftImg8bit.png'), image)
            for kind, values in (('instanceIds', ids), ('labelIds', classes), ('color', classes)):
                cv2.imwrite(str(tmp_path / f'gtFine/{name}_gtFine_{kind}.png'), values)
    return tmp_path


def test_points_of_the_official_layout(downloaded: Path) -> None:
    annotations = downloaded / 'annotations'
    stem = annotations / 'instancesonly_filtered_gtFine_train'
    sample = ROOT / 'tools/dataset_tools/sample_points.py'
    for command in (
        (CONVERTER, downloaded, '--out-dir', annotations),
        (sample, f'{stem}.json', f'{stem}_p10.json', '--num-points', '10'),
    ):
        environment = os.environ | {'PYTHONPATH': str(ROOT)}
        result = subprocess.run([sys.executable, *map(str, command)], env=environment)
        assert result.returncode == 0

    config = Config.fromfile(CONFIG).train_dataloader.dataset
    with DefaultScope.overwrite_default_scope('mmdet'):
        dataset = DATASETS.build({**config, 'data_root': str(downloaded)})
    assert len(dataset) == 2
    objects = dataset[0]['data_samples'].gt_instances
    names = [dataset.metainfo['classes'][label] for label in objects.labels]
    assert sorted(names) == ['car', 'person']
    assert isinstance(objects.masks, PointMasks)
    assert objects.masks.num_points.tolist() == [10, 10]
