import importlib.util
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
import torch
from mmengine.config import Config
from mmengine.registry import DefaultScope
from mmengine.runner import save_checkpoint

from mmpointrend.registry import MODELS

HERE = Path(__file__).parent
TOOLS = HERE.parents[1] / 'tools'
TOY_CONFIG = (
    HERE.parents[1] / 'configs/implicit_pointrend/implicit-pointrend_r18-small_fpn_p10_5e_toy.py'
)


@pytest.fixture
def script(request: pytest.FixtureRequest) -> ModuleType:
    """The script in tools/ that the test module is named after, in the same folder."""
    name = request.path.stem.removeprefix('test_')
    path = TOOLS / request.path.parent.relative_to(HERE) / f'{name}.py'
    spec = importlib.util.spec_from_file_location(f'tool_{name}', path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def run(script: ModuleType, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Run the script with these arguments; it ends with SystemExit where it fails."""

    def run_main(*args: object) -> None:
        monkeypatch.setattr(sys, 'argv', [script.__file__, *map(str, args)])
        script.main()

    return run_main


@pytest.fixture(scope='session')
def toy_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Holds toy images, 3 to train and 2 to validate, and model.pth: TOY_CONFIG untrained."""
    folder = tmp_path_factory.mktemp('toy')
    make = TOOLS / 'dataset_tools/make_toy_dataset.py'
    command = [sys.executable, make, folder / 'data/toy', '--num-train', '3', '--num-val', '2']
    environment = {'PYTHONPATH': str(TOOLS.parent), 'OMP_NUM_THREADS': '1'}
    subprocess.run(command, check=True, env=environment, capture_output=True)
    torch.manual_seed(0)
    with DefaultScope.overwrite_default_scope('mmdet'):
        model = MODELS.build(Config.fromfile(TOY_CONFIG).model)
        model.init_weights()
    save_checkpoint({'state_dict': model.state_dict(), 'meta': {}}, str(folder / 'model.pth'))
    return folder


@pytest.fixture
def toy_folder(toy_files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder of the test, with those files in it."""
    for path in toy_files.iterdir():
        (tmp_path / path.name).symlink_to(path)
    monkeypatch.chdir(tmp_path)
    return tmp_path
