"""Arguments and config of the tools; the processes themselves are in tests/tools."""

import argparse
from pathlib import Path

import pytest
import torch
from mmengine.config import Config

from mmpointrend.engine import (
    add_launch_arguments,
    check_checkpoint,
    launch,
    load_config,
    prepared_process,
)
from mmpointrend.engine.benchmark import tf32


def parse(*arguments: str | Path) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument('config')
    add_launch_arguments(parser)
    return parser.parse_args([str(argument) for argument in arguments])


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / 'small.py'
    path.write_text("optimizer = dict(lr=1)\nlauncher = 'none'\n")
    return path


def test_options_override_the_file(config: Path) -> None:
    cfg = load_config(parse(config, '--cfg-options', 'optimizer.lr=2', '--launcher', 'pytorch'))
    assert cfg.optimizer.lr == 2
    assert cfg.launcher == 'pytorch'


def test_work_dir_is_named_after_the_config(config: Path) -> None:
    assert load_config(parse(config)).work_dir == 'work_dirs/small'


def test_work_dir_of_the_config_counts(config: Path) -> None:
    config.write_text("work_dir = 'there'\n")
    assert load_config(parse(config)).work_dir == 'there'


def test_work_dir_of_the_command_line_counts_more(config: Path) -> None:
    config.write_text("work_dir = 'there'\n")
    assert load_config(parse(config, '--work-dir', 'here')).work_dir == 'here'


def test_absent_config() -> None:
    with pytest.raises(SystemExit, match=r'absent\.py: there is no such config file'):
        load_config(parse('absent.py'))


def test_absent_checkpoint(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=r'absent\.pth: there is no such checkpoint file'):
        check_checkpoint(str(tmp_path / 'absent.pth'))


def test_checkpoint_may_be_a_url() -> None:
    assert check_checkpoint('https://host/x.pth') == 'https://host/x.pth'


@pytest.mark.parametrize('launcher', ['slurm', 'mpi'])
def test_other_launchers_need_accelerators(launcher: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launch, 'get_device', lambda: 'cpu')
    with (
        pytest.raises(SystemExit, match=rf'--launcher {launcher} needs accelerators'),
        prepared_process(Config({'launcher': launcher}), local_rank=0),
    ):
        pass


@pytest.mark.parametrize(('env_cfg', 'allowed'), [({'tf32': True}, True), ({}, False)])
def test_config_lets_matrix_products_use_tf32(env_cfg: dict, allowed: bool) -> None:
    cfg = Config({'launcher': 'none', 'env_cfg': env_cfg})
    with tf32(False), prepared_process(cfg, local_rank=0):
        assert torch.backends.cuda.matmul.allow_tf32 == allowed
