"""Our side: that there is something to compare."""

import pytest
import torch

from mmpointrend.checkpoints import CheckpointError
from mmpointrend.engine.mask_head_sides import ours


def test_masks_have_edges(config, inputs) -> None:
    share = ours.build(config, 'cpu').run('refinement', inputs).float().mean((1, 2))
    assert share.min() > 0.01 and share.max() < 0.99


def test_weight_without_a_place_is_an_error(config) -> None:
    weights = {'roi_heads.mask_head.other_head.weight': torch.ones(1)}
    with pytest.raises(CheckpointError, match='unknown: roi_heads'):
        ours.build(config, 'cpu', weights)
