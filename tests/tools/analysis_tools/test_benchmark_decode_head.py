"""The benchmark of semantic PointRend: that it compares like with like, and what its table says."""

import argparse

import pytest
import torch

pytest.importorskip('mmseg')

from mmengine.structures import PixelData
from mmseg.structures import SegDataSample

from .rounding import assert_ratio

SIZE, CLASSES, POINTS = (64, 96), 3, 100


@pytest.fixture
def script(script, monkeypatch):
    monkeypatch.setattr(script, 'CROP', SIZE)
    return script


@pytest.fixture
def args():
    return argparse.Namespace(device='cpu', classes=CLASSES, points=POINTS)


def table(text):
    """The rows of a Markdown table below its header, by their first cell."""
    rows = [line.strip('| ').split(' | ') for line in text.splitlines() if line.startswith('|')]
    return {name: cells for name, *cells in rows[2:]}


def test_table_compares_both_sides(run, script, capsys, tmp_path):
    options = ['--device', 'cpu', '--size', *SIZE, '--classes', CLASSES, '--points', POINTS]
    run(*options, '--repeat', 1, '--output', tmp_path / 'table.md')
    written = (tmp_path / 'table.md').read_text(encoding='utf-8')
    assert written == capsys.readouterr().out
    assert '3 classes, 64 x 96, 100 points, median of 1.' in written
    rows = table(written)
    both = ['prediction', 'step 1', 'step 2', 'losses']
    parts = ['enlarging', 'picking', 'point head', 'writing']
    assert list(rows) == [*both[:3], *parts, both[3]]
    for name in both:
        their_ms, our_ms, faster, *megabytes = map(float, rows[name])
        assert_ratio(faster, their_ms, our_ms)
        assert len(megabytes) == 3
    for name in parts:
        assert [rows[name][i] for i in (0, 2, 3, 5)] == ['-'] * 4


@pytest.fixture
def case(script, args):
    torch.manual_seed(0)
    samples = [
        SegDataSample(gt_sem_seg=PixelData(data=torch.randint(CLASSES, (1, *SIZE))))
        for _ in range(script.CROPS)
    ]
    inputs, crops = (script.random_inputs(num, args, SIZE) for num in (1, script.CROPS))
    return script.build_heads(CLASSES, 'cpu'), inputs, crops, samples


def test_sides_with_the_same_weights_pass(script, case):
    script.check(*case)


def test_sides_with_other_weights_are_an_error(script, case):
    with torch.no_grad():
        case[0]['ours'].point_head.predictor.weight.neg_()
    with pytest.raises(SystemExit, match='of all pixels are equal'):
        script.check(*case)


def test_sides_with_other_losses_are_an_error(script, case):
    case[0]['ours'].loss_decode.loss_weight = 2
    with pytest.raises(SystemExit, match='losses are'):
        script.check(*case)


def test_parts_are_those_of_a_step(script, case):
    heads, inputs, *_ = case
    halfway = inputs._replace(coarse=script.prediction(heads['ours'], inputs, steps=1))
    parts = script.parts_of_a_step(heads['ours'], inputs)
    assert parts['enlarging']().shape == parts['writing']().unflatten(2, SIZE).shape
    assert parts['enlarging']().shape == script.prediction(heads['ours'], halfway, 1).shape
    picked, points = parts['picking']()
    assert picked.shape == (1, POINTS)
    assert parts['point head']().shape == (*points.shape[:2], CLASSES)
