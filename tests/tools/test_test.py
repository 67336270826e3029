"""How the arguments of tools/test.py change a config; whole runs are in test_train_test.py."""

import argparse
import sys
from types import ModuleType

import pytest
from mmengine.config import Config


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
