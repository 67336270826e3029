"""The benchmark of PointINS: what its table says, and that towers and decoding are told apart."""

import torch
from mmengine.registry import DefaultScope

from .rounding import assert_ratio

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
            assert_ratio(values[column + 1], values[column], first[column], decimals=3)


def test_decoding_makes_the_masks_and_towers_the_maps(script):
    size = (64, 96)
    boxes = script.random_boxes(3, size)
    with DefaultScope.overwrite_default_scope('mmdet'), torch.no_grad():
        decode, towers = script.pointins('retina', boxes, size).values()
        assert decode().shape == (3, 1, 28, 28)
        assert script.mask_rcnn(boxes, size)().shape == (3, 80, 28, 28)
        shapes = [tuple(level.shape[1:]) for level in towers()]
    assert shapes == 2 * [(256, 8, 12), (256, 4, 6), (256, 2, 3), (256, 1, 2), (256, 1, 1)]
