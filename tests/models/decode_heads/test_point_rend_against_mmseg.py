"""mmseg's own PointHead, with the same weights and the same points."""

import pytest
import torch
from mmengine.config import ConfigDict

from ...reference import assert_same
from ..tensor_meter import TensorMeter

pytest.importorskip('mmseg')

from mmseg.models.decode_heads import PointHead

from .test_point_rend_decode_head import LOSS, META, build, random_inputs, samples

TRAIN_CFG = {'num_points': 128, 'oversample_ratio': 3, 'importance_sample_ratio': 0.75}
TEST_CFG = {'subdivision_steps': 2, 'subdivision_num_points': 300, 'scale_factor': 2}
SIZES = ((16, 24), (8, 12))


@pytest.fixture
def heads():
    """mmseg's head and ours, with the same random weights."""
    torch.manual_seed(0)
    theirs = PointHead(
        in_channels=[8, 8],
        in_index=[0, 1],
        channels=16,
        num_fcs=3,
        num_classes=5,
        dropout_ratio=0,
        loss_decode=LOSS,
    )
    ours = build(in_channels=(8, 8), in_index=(0, 1))
    state = {}
    for key, value in theirs.state_dict().items():
        name = key.replace('.conv.', '.').replace('fc_seg', 'predictor')
        state[f'point_head.{name}'] = value.squeeze(-1) if key.endswith('weight') else value
    ours.load_state_dict(state)
    return theirs, ours


def test_losses_and_gradients(heads):
    results = []
    for head in heads:
        maps, coarse, labels = random_inputs(sizes=SIZES)
        for tensor in (*maps, coarse):
            tensor.requires_grad_()
        torch.manual_seed(1)
        losses = head.loss(maps, coarse, samples(labels), ConfigDict(TRAIN_CFG))
        loss = losses.get('loss_ce', losses.get('pointloss_ce'))
        loss.backward()
        accuracy = losses.get('acc_seg', losses.get('acc_point'))
        parameters = head.parameters()
        results.append([loss, accuracy, *(tensor.grad for tensor in (*maps, coarse, *parameters))])
    theirs, ours = results
    for found, expected in zip(ours, theirs, strict=True):
        assert_same(found, expected.view_as(found))


def test_logits(heads):
    maps, coarse, _ = random_inputs(sizes=SIZES)
    with torch.no_grad():
        theirs, ours = (head.predict(maps, coarse, META, ConfigDict(TEST_CFG)) for head in heads)
        unrefined = heads[1].predict(maps, coarse, META, {'subdivision_steps': 0})
    assert (theirs != unrefined).any(1).sum() > 500
    # Cells of equal uncertainty may be picked differently.
    differs = ~torch.isclose(ours, theirs, rtol=1e-4, atol=1e-5).all(1)
    assert differs.sum() <= 2


def test_largest_tensor_of_a_prediction(heads):
    maps, coarse, _ = random_inputs(sizes=SIZES)
    largest = []
    for head in heads:
        with torch.no_grad(), TensorMeter() as meter:
            head.predict(maps, coarse, META, ConfigDict(TEST_CFG))
        largest.append(meter.largest_bytes)
    theirs, ours = largest
    assert ours <= theirs
