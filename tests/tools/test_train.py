"""How the arguments of tools/train.py change a config; whole runs are in test_train_test.py."""

from pathlib import Path
from types import ModuleType

import pytest
from mmengine.config import Config


def test_mixed_precision_keeps_the_optimizer(
    script: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(script, 'get_device', lambda: 'cuda')
    cfg = Config({'optim_wrapper': {'type': 'OptimWrapper', 'optimizer': {'lr': 1}}})
    script.use_mixed_precision(cfg)
    assert cfg.optim_wrapper.to_dict() == {
        'type': 'AmpOptimWrapper',
        'loss_scale': 'dynamic',
        'optimizer': {'lr': 1},
    }


def test_mixed_precision_needs_an_accelerator(
    script: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(script, 'get_device', lambda: 'cpu')
    with pytest.raises(SystemExit, match='--amp needs an accelerator'):
        script.use_mixed_precision(Config({'optim_wrapper': {}}))


def test_learning_rate_is_scaled(script: ModuleType) -> None:
    cfg = Config({'auto_scale_lr': {'base_batch_size': 16, 'enable': False}})
    script.scale_learning_rate(cfg)
    assert cfg.auto_scale_lr.enable


def test_scaling_needs_the_batch_size_of_the_config(script: ModuleType) -> None:
    with pytest.raises(SystemExit, match=r'needs auto_scale_lr\.base_batch_size in the config'):
        script.scale_learning_rate(Config({}))


def test_resuming_continues_the_last_checkpoint(script: ModuleType, tmp_path: Path) -> None:
    (tmp_path / 'last_checkpoint').write_text('epoch_1.pth')
    cfg = Config({'work_dir': str(tmp_path), 'load_from': 'other.pth', 'resume': False})
    script.resume(cfg, 'auto')
    assert (cfg.resume, cfg.load_from) == (True, None)


def test_nothing_to_resume_starts_as_the_config_says(script: ModuleType, tmp_path: Path) -> None:
    cfg = Config({'work_dir': str(tmp_path), 'load_from': 'other.pth', 'resume': False})
    script.resume(cfg, 'auto')
    assert (cfg.resume, cfg.load_from) == (False, 'other.pth')
