"""The figure of a model with random weights, as a user makes it."""

import subprocess
import sys
from pathlib import Path
from types import ModuleType

import cv2
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import DefaultScope
from mmengine.runner import save_checkpoint

from mmpointrend.registry import MODELS

ROOT = Path(__file__).resolve().parents[3]
CONFIG = ROOT / 'configs/implicit_pointrend/implicit-pointrend_r18-small_fpn_p10_5e_toy.py'


@pytest.fixture(scope='module')
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Holds toy images and an untrained checkpoint."""
    folder = tmp_path_factory.mktemp('rendering')
    make = ROOT / 'tools/dataset_tools/make_toy_dataset.py'
    sizes = ('--num-train', '2', '--num-val', '2')
    environment = {'PYTHONPATH': str(ROOT), 'OMP_NUM_THREADS': '1'}
    command = [sys.executable, make, folder / 'data/toy', *sizes]
    subprocess.run(command, check=True, env=environment, capture_output=True)
    torch.manual_seed(0)
    with DefaultScope.overwrite_default_scope('mmdet'):
        model = MODELS.build(Config.fromfile(CONFIG).model)
    save_checkpoint({'state_dict': model.state_dict(), 'meta': {}}, str(folder / 'model.pth'))
    return folder


@pytest.fixture
def draw(script: ModuleType, folder: Path, monkeypatch: pytest.MonkeyPatch):
    def draw(*arguments: str) -> Path:
        options = ('test_dataloader.num_workers=0', 'test_dataloader.persistent_workers=False')
        argv = ['draw_rendering.py', str(CONFIG), 'model.pth', *arguments]
        monkeypatch.setattr(sys, 'argv', [*argv, '--cfg-options', *options])
        monkeypatch.chdir(folder)
        script.main()
        return folder / 'rendering.png'

    return draw


def test_it_draws_an_object(draw) -> None:
    assert cv2.imread(str(draw('--image', '1', '--object', '0'))).std() > 10


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (('--image', '2'), 'the dataset has 2 images'),
        (('--object', '99'), 'objects, not number 99'),
    ],
)
def test_what_is_not_there_is_an_error(draw, arguments: tuple[str, ...], message: str) -> None:
    with pytest.raises(SystemExit, match=message):
        draw(*arguments)
