"""The benchmark of PointINS: what its table says, and that towers and decoding are told apart."""

import pytest
import torch
from mmengine.registry import DefaultScope

TINY = ['--device', 'cpu', '--boxes', '3', '--size', '64', '96', '--repeat', '1']


def test_table_has_the_share_of_each_work(run, capsys):
    run(*TINY)
    text = capsys.readouterr().out
    assert '3 boxes, 64 x 96' in text
    rows = [line.strip('| ').split(' | ') for line in text.splitlines() if line.startswith('|')]
    cells = {name: [float(value) for value in values] for name, *values in rows[2:]}
    assert list(cells) == ['Mask R-CNN', 'decoding, fcos', 'towers', 'decoding, retina']
    first = cells['Mask R-CNN']
    for values in cells.values():
        for column in (0, 2):
            share = values[column] / first[column]
            # All cells are rounded to the last digit that they show.
            rounding = 0.0005 + 0.06 * (1 + share) / first[column]
            assert values[column + 1] == pytest.approx(share, rel=0, abs=rounding)


def test_decoding_makes_the_masks_and_towers_the_maps(script):
    size = (64, 96)
    boxes = script.random_boxes(3, size)
    with DefaultScope.overwrite_default_scope('mmdet'), torch.no_grad():
        decode, towers = script.pointins('retina', boxes, size).values()
        assert decode().shape == (3, 1, 28, 28)
        assert script.mask_rcnn(boxes, size)().shape == (3, 80, 28, 28)
        shapes = [tuple(level.shape[1:]) for level in towers()]
    assert shapes == 2 * [(256, 8, 12), (256, 4, 6), (256, 2, 3), (256, 1, 2), (256, 1, 1)]
