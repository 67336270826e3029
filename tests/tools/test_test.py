"""How the arguments of tools/test.py change a config; whole runs are in test_train_test.py."""

import argparse
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import HOOKS, VISUALIZERS, DefaultScope
from mmengine.structures import PixelData

CONFIGS = Path(__file__).parents[2] / 'configs'
SEMANTIC = CONFIGS / 'pointrend_semantic/pointrend_r18-small_fpn_masks_1k_nuclei.py'


@pytest.mark.parametrize('evaluator', [{'type': 'A'}, [{'type': 'A'}]])
def test_predictions_are_written_besides_the_evaluation(
    script: ModuleType, evaluator: dict | list
) -> None:
    cfg = Config({'default_scope': 'mmdet', 'test_evaluator': evaluator})
    script.write_predictions(cfg, 'x.pkl')
    dump = {'type': 'mmdet.DumpDetResults', 'out_file_path': 'x.pkl'}
    assert cfg.test_evaluator == [{'type': 'A'}, dump]


def test_pictures_need_the_hook(script: ModuleType) -> None:
    with pytest.raises(SystemExit, match=r'default_hooks\.visualization in the config'):
        script.draw_predictions(Config({'default_hooks': {}}), argparse.Namespace())


def test_pictures_of_a_semantic_model(script: ModuleType, tmp_path: Path) -> None:
    structures = pytest.importorskip('mmseg.structures')
    cfg = Config.fromfile(SEMANTIC)
    options = argparse.Namespace(show=False, show_dir=str(tmp_path / 'pictures'), wait_time=0)
    script.draw_predictions(cfg, options)
    labels = PixelData(data=torch.zeros(1, 8, 8, dtype=torch.long))
    with DefaultScope.overwrite_default_scope('mmseg'):
        visualizer = VISUALIZERS.build(cfg.visualizer | {'name': str(tmp_path)})
        visualizer.dataset_meta = cfg.metainfo
        hook = HOOKS.build(cfg.default_hooks.visualization)
    runner = SimpleNamespace(iter=0)
    for index in range(2):
        path = tmp_path / f'image{index}.png'
        cv2.imwrite(str(path), np.zeros((8, 8, 3), np.uint8))
        sample = structures.SegDataSample(pred_sem_seg=labels, gt_sem_seg=labels)
        sample.set_metainfo({'img_path': str(path)})
        hook.after_test_iter(runner, index, {}, [sample])
    assert len(list(tmp_path.glob('pictures/**/*image*.png'))) == 2


def test_predictions_go_to_a_pickle(
    script: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.setattr(sys, 'argv', ['test.py', 'config.py', 'x.pth', '--out', 'x.json'])
    with pytest.raises(SystemExit):
        script.parse_args()
    assert '--out x.json: the name must end in .pkl or .pickle' in capsys.readouterr().err


def test_augmentation_packs_every_image_and_its_mirror_image(script: ModuleType) -> None:
    packing = {'type': 'PackDetInputs', 'meta_keys': ('img_id',)}
    dataset = {'type': 'A', 'pipeline': [{'type': 'LoadImageFromFile'}, packing]}
    cfg = Config(
        {
            'model': {'type': 'M'},
            'tta_model': {'type': 'T'},
            'test_dataloader': {'dataset': {'type': 'RepeatDataset', 'dataset': dataset}},
        }
    )
    script.augment(cfg)
    assert cfg.model == {'type': 'T', 'module': {'type': 'M'}}
    load, views = cfg.test_dataloader.dataset.dataset.pipeline
    assert load == {'type': 'LoadImageFromFile'}
    flips, (packed,) = views.transforms
    assert [flip['prob'] for flip in flips] == [0, 1]
    assert packed['meta_keys'] == ('img_id', 'flip', 'flip_direction')


def test_augmentation_takes_the_views_of_the_config(script: ModuleType) -> None:
    packing = {'type': 'PackDetInputs', 'meta_keys': ('img_id',)}
    cfg = Config(
        {
            'model': {'type': 'M'},
            'tta_model': {'type': 'T'},
            'tta_pipeline': [{'type': 'B'}],
            'test_dataloader': {'dataset': {'pipeline': [packing]}},
        }
    )
    script.augment(cfg)
    assert cfg.test_dataloader.dataset.pipeline == [{'type': 'B'}]


def test_augmentation_needs_its_model(script: ModuleType) -> None:
    with pytest.raises(SystemExit, match='--tta needs tta_model in the config'):
        script.augment(Config({}))
