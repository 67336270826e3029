"""Every other side computes what ours does; that of a library which is missing is left out."""

from importlib import import_module

import pytest
import torch

from mmpointrend.engine import mask_head_sides


@pytest.mark.parametrize(
    ('library', 'work'),
    [
        ('mmdet', 'refinement'),
        ('mmdet', 'prediction'),
        ('mmdet', 'mask loss'),
        ('mmdet', 'training step'),
        ('detectron2', 'refinement'),
        ('detectron2', 'prediction'),
        ('detectron2', 'mask loss'),
    ],
)
def test_same_weights_give_the_same_results(config, inputs, library: str, work: str) -> None:
    pytest.importorskip(library)
    theirs = import_module(f'{mask_head_sides.__name__}.{library}').build(config, 'cpu')
    ours = mask_head_sides.ours.build(config, 'cpu', theirs.model.state_dict())
    mine, other = (side.run(work, inputs) for side in (ours, theirs))
    assert mine.shape == other.shape and mine.dtype == other.dtype
    if mine.dtype == torch.bool:
        assert (mine == other).float().mean() > 0.999
    else:
        torch.testing.assert_close(mine, other, rtol=1e-4, atol=0)
