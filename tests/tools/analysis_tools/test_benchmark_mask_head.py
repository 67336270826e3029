"""The benchmark of mask heads: that it compares like with like, and what its table says."""

import argparse
from pathlib import Path
from types import ModuleType

import pytest
import torch

from mmpointrend.engine.benchmark import tf32

from .rounding import assert_ratio

CLASSES = 3
TINY = ['--device', 'cpu', '--boxes', '4', '--classes', str(CLASSES), '--size', '64', '96']
WORKS = ['refinement', 'prediction', 'mask loss']


@pytest.fixture
def run(script: ModuleType, monkeypatch: pytest.MonkeyPatch):
    """Run the script with a tiny input and these arguments more."""

    def run_main(*args: object) -> None:
        words = [script.__file__, *TINY, '--repeat', '1', *map(str, args)]
        monkeypatch.setattr('sys.argv', words)
        script.main()

    return run_main


@pytest.fixture
def inputs(script: ModuleType):
    torch.manual_seed(0)
    return script.make_inputs(
        argparse.Namespace(device='cpu', classes=CLASSES, boxes=4, size=(64, 96))
    )


@pytest.fixture
def models(script: ModuleType):
    torch.manual_seed(0)
    return script.build_models(CLASSES, 'cpu')


def table(text: str) -> dict[str, list[str]]:
    """The rows of a Markdown table below its header, by their first cell."""
    rows = [line.strip('| ').split(' | ') for line in text.splitlines() if line.startswith('|')]
    return {name: cells for name, *cells in rows[2:]}


def test_table_compares_both_sides(run, capsys, tmp_path: Path) -> None:
    run('--output', tmp_path / 'tables' / 'table.md')
    written = (tmp_path / 'tables' / 'table.md').read_text(encoding='utf-8')
    assert written == capsys.readouterr().out
    assert '4 boxes, 3 classes, 64 x 96, float32' in written
    assert f'torch {torch.__version__}' in written
    rows = table(written)
    assert list(rows) == WORKS
    for cells in rows.values():
        their_ms, our_ms, faster, their_mb, our_mb, less = map(float, cells)
        assert_ratio(faster, their_ms, our_ms)
        assert_ratio(less, their_mb, our_mb)
    assert [path.name for path in (tmp_path / 'tables').iterdir()] == ['table.md']


def test_side_left_out_leaves_its_cells_empty(run, capsys) -> None:
    run('--skip', 'mmdet', '--dtype', 'bfloat16')
    text = capsys.readouterr().out
    assert 'mmdet left out: as --skip says.' in text
    rows = table(text)
    assert list(rows) == WORKS
    for cells in rows.values():
        assert [cells[i] for i in (0, 2, 3, 5)] == ['-'] * 4
        assert float(cells[1]) > 0 and float(cells[4]) > 0


def test_side_that_does_not_fit_is_left_out(script: ModuleType, monkeypatch) -> None:
    args = argparse.Namespace(skip=None, device='cpu', boxes=300, classes=1203)
    monkeypatch.setattr(script, 'free_bytes', lambda device: 64 * 10**9)
    assert script.reason_to_skip(args) == (
        'its planes of all classes need 144.9 GB, 64.0 GB are free'
    )
    args.boxes = 100
    assert script.reason_to_skip(args) is None


def test_sides_with_the_same_weights_pass(script: ModuleType, models, inputs) -> None:
    for model in models.values():
        model.roi_head.bbox_sampler.num = 8
    works = {
        name: getattr(script, name)
        for name in ('refinement', 'prediction', 'mask_loss', 'training_step')
    }
    script.check(models, works, inputs)


def test_results_are_compared_in_exact_float32(script: ModuleType, models, inputs) -> None:
    seen = []

    def work(model, inputs) -> torch.Tensor:
        seen.append((torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32))
        return torch.ones(1)

    with tf32(True):
        script.check(models, {'work': work}, inputs)
    assert seen == [(False, False)] * 2


@pytest.mark.parametrize(
    ('work', 'message'),
    [('refinement', 'of all pixels are equal'), ('mask_loss', 'losses are')],
)
def test_sides_with_other_weights_are_an_error(
    script: ModuleType, models, inputs, work: str, message: str
) -> None:
    with torch.no_grad():
        models['ours'].roi_head.mask_head.point_head.predictor.weight.neg_()
    with pytest.raises(SystemExit, match=f'error: {work}: .*{message}'):
        script.check(models, {work: getattr(script, work)}, inputs)


def test_masks_to_compare_have_edges(script: ModuleType, models, inputs) -> None:
    share = script.refinement(models['ours'], inputs).float().mean((1, 2))
    assert share.min() > 0.01 and share.max() < 0.99
