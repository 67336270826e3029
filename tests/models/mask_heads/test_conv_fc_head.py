import pytest
import torch
from mmdet.models.roi_heads.bbox_heads import Shared2FCBBoxHead

from mmpointrend.models import ConvFCHead

from ...reference import assert_same, load_reference, with_our_names

REFERENCE = load_reference('conv_fc_head')


def build(case):
    state = with_our_names(case['state_dict'], 'coarse_head')
    fc_dims = torch.atleast_1d(case['fc_dims']).tolist()
    head = ConvFCHead(
        output_shape=torch.atleast_1d(case['output_shape']).tolist(),
        in_channels=int(case['input_channels']),
        roi_feat_size=int(case['input_side']),
        conv_channels=int(case['conv_dim']),
        num_fcs=len(fc_dims),
        fc_channels=fc_dims[0],
    )
    head.load_state_dict(state)
    return head


@pytest.mark.parametrize('case', REFERENCE['cases'], ids=lambda c: c['name'])
def test_matches_reference(case):
    x = case['x'].clone().requires_grad_()
    output = build(case)(x)
    assert_same(output, case['output'])
    (output * case['grad_weight']).sum().backward()
    assert_same(x.grad, case['grad_x'])


def test_initial_weights_have_the_spread_of_the_reference():
    reference = with_our_names(REFERENCE['fresh_init']['state_dict'], 'coarse_head')
    torch.manual_seed(0)
    head = ConvFCHead((2, 5, 5), 16, roi_feat_size=6, conv_channels=8, num_fcs=1, fc_channels=12)
    head.init_weights()
    for name, weight in head.state_dict().items():
        torch.testing.assert_close(weight.std(), reference[name].std(), rtol=0.25, atol=0)
    assert head.prediction.weight.abs().max() < 0.01


def test_without_regions_reaches_every_parameter():
    head = ConvFCHead((3,), in_channels=8, roi_feat_size=4, conv_channels=4, fc_channels=5)
    head(torch.zeros(0, 8, 4, 4)).sum().backward()
    assert all(parameter.grad is not None for parameter in head.parameters())


def test_without_convolutions_is_a_box_head():
    head = ConvFCHead((3,), in_channels=4, roi_feat_size=7, conv_channels=None, fc_channels=8)
    box_head = Shared2FCBBoxHead(
        in_channels=4, fc_out_channels=8, roi_feat_size=7, num_classes=2, with_reg=False
    )
    for ours, theirs in zip(head.fcs[::2], box_head.shared_fcs, strict=True):
        ours.load_state_dict(theirs.state_dict())
    head.prediction.load_state_dict(box_head.fc_cls.state_dict())
    x = torch.randn(5, 4, 7, 7)
    torch.testing.assert_close(head(x), box_head(x)[0])
