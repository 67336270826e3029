"""The benchmark of whole models: what its table says, and what it says of a wrong command."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.registry import DefaultScope
from mmengine.runner import save_checkpoint

from mmpointrend.registry import MODELS

ROOT = Path(__file__).parents[3]
CONFIG = ROOT / 'configs/implicit_pointrend/implicit-pointrend_r18-small_fpn_p10_5e_toy.py'
TINY = ('--device', 'cpu', '--images', '2', '--repeat', '1')


@pytest.fixture(scope='module')
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Holds toy images, an untrained checkpoint and a config that predicts fewer objects."""
    folder = tmp_path_factory.mktemp('models')
    make = ROOT / 'tools/dataset_tools/make_toy_dataset.py'
    sizes = ('--num-train', '1', '--num-val', '2')
    environment = {'PYTHONPATH': str(ROOT), 'OMP_NUM_THREADS': '1'}
    command = [sys.executable, make, folder / 'data/toy', *sizes]
    subprocess.run(command, check=True, env=environment, capture_output=True)
    torch.manual_seed(0)
    with DefaultScope.overwrite_default_scope('mmdet'):
        cfg = Config.fromfile(CONFIG)
        cfg.model.test_cfg.rcnn.score_thr = 0.0
        model = MODELS.build(cfg.model)
    save_checkpoint({'state_dict': model.state_dict(), 'meta': {}}, str(folder / 'model.pth'))
    for num in (4, 9):
        cfg.model.test_cfg.rcnn.max_per_img = num
        cfg.dump(folder / f'at_most_{num}.py')
    return folder


def test_table_has_a_row_for_each_model(
    run: Callable[..., None], folder: Path, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    monkeypatch.chdir(folder)
    models = ('at_most_4.py', 'model.pth', 'at_most_9.py', 'model.pth')
    run(*models, *TINY, '--output', 'table.md')
    written = Path('table.md').read_text(encoding='utf-8')
    assert written in capsys.readouterr().out
    assert '2 images, median of 1' in written
    table = [line.strip('| ').split(' | ') for line in written.splitlines() if line[:1] == '|'][2:]
    rows = {name: list(map(float, cells)) for name, *cells in table}
    assert list(rows) == ['`at_most_4`', '`at_most_9`']
    few, many = rows.values()
    assert (few[0], many[0]) == (4, 9)
    assert few[2] == few[4] == 1
    # The cells are rounded to the last digit that they show.
    assert many[2] == pytest.approx(many[1] / few[1], abs=0.01)
    assert many[4] == pytest.approx(many[3] / few[3], abs=0.02)


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (('at_most_4.py',), 'found 1 files, expected a checkpoint after every config'),
        (('absent.py', 'model.pth'), 'absent.py: there is no such config file'),
        (('at_most_4.py', 'absent.pth'), 'absent.pth: there is no such checkpoint file'),
        (('at_most_4.py', 'model.pth', '--images', '3'), '--images 3: at_most_4.py tests on 2'),
    ],
)
def test_a_wrong_command_is_an_error(
    run: Callable[..., None],
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys,
    arguments: tuple[str, ...],
    message: str,
) -> None:
    monkeypatch.chdir(folder)
    with pytest.raises(SystemExit) as error:
        run(*arguments, '--device', 'cpu')
    assert message in f'{error.value}{capsys.readouterr().err}'
