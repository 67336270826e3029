"""The benchmark of whole models: what its table says, and what it says of a wrong command."""

from collections.abc import Callable
from pathlib import Path

import pytest
from mmengine.config import Config

from ..conftest import TOY_CONFIG
from .rounding import assert_ratio

TINY = ('--device', 'cpu', '--images', '2', '--repeat', '1')


@pytest.fixture
def models(toy_folder: Path) -> None:
    """Two configs that differ in the number of objects they predict, beside images and weights."""
    cfg = Config.fromfile(TOY_CONFIG)
    for num in (4, 9):
        cfg.model.test_cfg.rcnn.update(score_thr=0.0, max_per_img=num)
        cfg.dump(f'at_most_{num}.py')


def test_table_has_a_row_for_each_model(run: Callable[..., None], models: None, capsys) -> None:
    run('at_most_4.py', 'model.pth', 'at_most_9.py', 'model.pth', *TINY, '--output', 'table.md')
    written = Path('table.md').read_text(encoding='utf-8')
    assert written in capsys.readouterr().out
    assert '2 images, median of 1' in written
    table = [line.strip('| ').split(' | ') for line in written.splitlines() if line[:1] == '|'][2:]
    rows = {name: list(map(float, cells)) for name, *cells in table}
    assert list(rows) == ['`at_most_4`', '`at_most_9`']
    few, many = rows.values()
    assert (few[0], many[0]) == (4, 9)
    assert few[2] == few[4] == 1
    assert_ratio(many[2], many[1], few[1])
    assert_ratio(many[4], many[3], few[3])


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
    run: Callable[..., None], models: None, capsys, arguments: tuple[str, ...], message: str
) -> None:
    with pytest.raises(SystemExit) as error:
        run(*arguments, '--device', 'cpu')
    assert message in f'{error.value}{capsys.readouterr().err}'
