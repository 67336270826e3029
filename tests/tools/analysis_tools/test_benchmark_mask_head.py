"""The benchmark of mask heads: that it compares like with like, and what its tables say."""

import argparse
from pathlib import Path
from types import ModuleType

import pytest
import torch

from mmpointrend.engine.benchmark import tf32
from mmpointrend.engine.mask_head_sides import Side

from .rounding import assert_ratio

TINY = ['--device', 'cpu', '--boxes', '4', '--classes', '3', '--size', '64', '96']
WORKS = ['refinement', 'prediction', 'mask loss']


@pytest.fixture
def run(script: ModuleType, monkeypatch: pytest.MonkeyPatch):
    """Run the script with a tiny input and these arguments more."""

    def run_main(*args: object) -> None:
        words = [script.__file__, *TINY, '--repeat', '1', *map(str, args)]
        monkeypatch.setattr('sys.argv', words)
        script.main()

    return run_main


def side(name: str, result: torch.Tensor) -> Side:
    """A side with one work, whose result is known."""
    return Side(name, torch.nn.Identity(), {'work': lambda model, inputs: result})


def table(text: str) -> dict[str, list[str]]:
    """The rows of a Markdown table below its header, by their first cell."""
    rows = [line.strip('| ').split(' | ') for line in text.splitlines() if line.startswith('|')]
    return {name: cells for name, *cells in rows[2:]}


@pytest.mark.parametrize(('library', 'other'), [('mmdet', 'detectron2'), ('detectron2', 'mmdet')])
def test_table_compares_both_sides(run, capsys, tmp_path: Path, library: str, other: str) -> None:
    version = pytest.importorskip(library).__version__
    run('--skip', other, '--output', tmp_path / 'tables' / 'table.md')
    written = (tmp_path / 'tables' / 'table.md').read_text(encoding='utf-8')
    assert written == capsys.readouterr().out
    assert '4 boxes, 3 classes, 64 x 96, float32' in written
    assert f'torch {torch.__version__}' in written
    assert f'{library} {version}: same masks and losses on both sides.' in written
    assert f'| {library} ms | ours ms |' in written
    rows = table(written)
    assert list(rows) == WORKS
    for cells in rows.values():
        their_ms, our_ms, faster, their_mb, our_mb, less = map(float, cells)
        assert_ratio(faster, their_ms, our_ms)
        assert_ratio(less, their_mb, our_mb)
    assert [path.name for path in (tmp_path / 'tables').iterdir()] == ['table.md']


def test_every_library_has_a_table(script: ModuleType, run, capsys, monkeypatch) -> None:
    monkeypatch.setattr(script, 'reason_to_skip', lambda library, args: None)
    monkeypatch.setattr(script, 'compare', lambda library, inputs, args: [f'table of {library}'])
    run()
    assert capsys.readouterr().out.splitlines()[2:] == ['table of mmdet', 'table of detectron2']


def test_ours_alone_leaves_the_cells_of_others_empty(run, capsys) -> None:
    run('--skip', 'mmdet', 'detectron2', '--dtype', 'bfloat16')
    text = capsys.readouterr().out
    assert 'mmdet left out: as --skip says.\ndetectron2 left out: as --skip says.\n' in text
    rows = table(text)
    assert list(rows) == WORKS
    for cells in rows.values():
        assert [cells[i] for i in (0, 2, 3, 5)] == ['-'] * 4
        assert float(cells[1]) > 0 and float(cells[4]) > 0


def test_library_that_is_not_installed_is_left_out(
    script: ModuleType, run, capsys, monkeypatch
) -> None:
    monkeypatch.setattr(script, 'find_spec', lambda library: None)
    run('--skip', 'mmdet')
    assert '\ndetectron2 left out: not installed.\n' in capsys.readouterr().out


@pytest.mark.parametrize(('library', 'needed'), [('mmdet', '144.9'), ('detectron2', '90.5')])
def test_library_that_does_not_fit_is_left_out(
    script: ModuleType, monkeypatch, library: str, needed: str
) -> None:
    pytest.importorskip(library)
    args = argparse.Namespace(skip=(), device='cpu', boxes=300, classes=1203)
    monkeypatch.setattr(script, 'free_bytes', lambda device: 64 * 10**9)
    assert script.reason_to_skip(library, args) == (
        f'its planes of all classes need {needed} GB, 64.0 GB are free'
    )
    args.boxes = 100
    assert script.reason_to_skip(library, args) is None


def test_training_step_is_left_out_on_request(script: ModuleType) -> None:
    whole = Side('ours', torch.nn.Identity(), dict.fromkeys([*WORKS, 'training step']))
    assert script.chosen_works(whole, argparse.Namespace(training_step=False)) == WORKS
    assert script.chosen_works(whole, argparse.Namespace(training_step=True)) == [
        *WORKS,
        'training step',
    ]


def test_results_are_compared_in_exact_float32(script: ModuleType) -> None:
    seen = []

    def work(model, inputs) -> torch.Tensor:
        seen.append((torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32))
        return torch.ones(1)

    either = Side('either', torch.nn.Identity(), {'work': work})
    with tf32(True):
        script.check(either, either, ['work'], inputs=None)
    assert seen == [(False, False)] * 2


@pytest.mark.parametrize(
    ('mine', 'other', 'message'),
    [
        (torch.arange(500) < 1, torch.arange(500) < 0, '0.9980 of all pixels are equal in ours'),
        (torch.tensor([1.0, 2.0]), torch.tensor([1.0, 2.01]), r'losses are \[1.0, 2.0\] \(ours\)'),
    ],
)
def test_other_results_are_an_error(script: ModuleType, mine, other, message: str) -> None:
    with pytest.raises(SystemExit, match=f'error: work: {message} and .*theirs.*, expected'):
        script.check(side('ours', mine), side('theirs', other), ['work'], inputs=None)


def test_rounding_of_results_is_none(script: ModuleType) -> None:
    pixels = torch.arange(2000)
    script.check(side('ours', pixels < 1), side('theirs', pixels < 0), ['work'], inputs=None)
    losses = torch.ones(2)
    script.check(side('ours', losses), side('theirs', 1.0005 * losses), ['work'], inputs=None)
