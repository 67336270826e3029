"""The tables of names, with what the other projects' modules are called and compute."""

import math
import re

import pytest
import torch
from mmdet.models.roi_heads.mask_heads import CoarseMaskHead, MaskPointHead
from mmdet.models.task_modules.prior_generators import AnchorGenerator

from mmpointrend.checkpoints import rename
from mmpointrend.checkpoints.families import FAMILIES
from mmpointrend.models import ConvFCHead, StandardPointHead

from ..reference import assert_same, load_reference
from .synthetic import below, detectron2_tensors, part

MODELS = ('pointrend', 'implicit_pointrend', 'mask_rcnn', 'pointrend_semantic')
CONV_FC = load_reference('conv_fc_head')['cases']
STANDARD = load_reference('standard_point_head')['cases']


@pytest.mark.parametrize('model', MODELS)
def test_every_name_of_detectron2_is_claimed_once(model: str) -> None:
    names = list(detectron2_tensors(model))
    rules = FAMILIES['detectron2'][1](names)
    claims = {n: [r.pattern for r in rules if re.fullmatch(r.pattern, n)] for n in names}
    assert {name: found for name, found in claims.items() if len(found) != 1} == {}


def test_names_of_layers_that_shapes_do_not_tell_apart() -> None:
    expected = {
        'backbone.bottom_up.stem.conv1.norm.running_mean': 'backbone.bn1.running_mean',
        'backbone.bottom_up.res2.0.conv1.norm.weight': 'backbone.layer1.0.bn1.weight',
        'backbone.bottom_up.res3.10.conv2.norm.bias': 'backbone.layer2.10.bn2.bias',
        'backbone.bottom_up.res4.1.conv3.norm.running_var': 'backbone.layer3.1.bn3.running_var',
        'backbone.bottom_up.res5.2.conv2.weight': 'backbone.layer4.2.conv2.weight',
        'backbone.bottom_up.res2.0.shortcut.weight': 'backbone.layer1.0.downsample.0.weight',
        'backbone.bottom_up.res2.0.shortcut.norm.bias': 'backbone.layer1.0.downsample.1.bias',
        'backbone.fpn_lateral2.bias': 'neck.lateral_convs.0.conv.bias',
        'backbone.fpn_output5.weight': 'neck.fpn_convs.3.conv.weight',
        'roi_heads.mask_head.mask_fcn1.bias': 'roi_head.mask_head.convs.0.conv.bias',
        'roi_heads.mask_head.mask_fcn4.weight': 'roi_head.mask_head.convs.3.conv.weight',
        'sem_seg_head.coarse_sem_seg_head.p2.0.weight': 'decode_head.0.scale_heads.0.0.conv.weight',
        'sem_seg_head.coarse_sem_seg_head.p5.4.norm.bias': 'decode_head.0.scale_heads.3.4.gn.bias',
    }
    renamed = rename(dict.fromkeys(expected, torch.zeros(1)))
    assert {theirs: ours for ours, theirs in renamed.origins.items()} == expected


@pytest.mark.parametrize(
    ('theirs', 'ours'),
    [
        ('roi_heads.mask_head.parameter_head', 'roi_head.mask_head.parameter_head'),
        ('roi_heads.mask_head.coarse_head', 'roi_head.mask_head.coarse_head'),
        ('roi_heads.mask_coarse_head', 'roi_head.mask_head.coarse_head'),
    ],
)
@pytest.mark.parametrize('case', CONV_FC, ids=lambda c: c['name'])
def test_coarse_or_parameter_head_computes_the_same(case, theirs: str, ours: str) -> None:
    state = below(theirs, case['state_dict'])
    if theirs.endswith('mask_coarse_head'):
        state = {re.sub(r'\.fc(\d)', r'.coarse_mask_fc\1', k): v for k, v in state.items()}
    fc_dims = torch.atleast_1d(case['fc_dims']).tolist()
    head = ConvFCHead(
        output_shape=torch.atleast_1d(case['output_shape']).tolist(),
        in_channels=int(case['input_channels']),
        roi_feat_size=int(case['input_side']),
        conv_channels=int(case['conv_dim']),
        num_fcs=len(fc_dims),
        fc_channels=fc_dims[0],
    )
    head.load_state_dict(part(ours, rename(state).tensors))
    assert_same(head(case['x']), case['output'])


@pytest.mark.parametrize(
    ('theirs', 'ours'),
    [
        ('roi_heads.mask_head.point_head', 'roi_head.mask_head.point_head'),
        ('roi_heads.mask_point_head', 'roi_head.mask_head.point_head'),
        ('sem_seg_head.point_head', 'decode_head.1.point_head'),
    ],
)
@pytest.mark.parametrize('case', STANDARD, ids=lambda c: c['name'])
def test_point_head_computes_the_same(case, theirs: str, ours: str) -> None:
    head = StandardPointHead(
        num_classes=case['num_classes'],
        in_channels=case['input_channels'],
        num_fcs=case['num_fc'],
        fc_channels=case['fc_dim'],
        class_agnostic=bool(case['cls_agnostic_mask']),
        coarse_channels=case['num_classes'],
        coarse_each_layer=bool(case['coarse_pred_each_layer']),
    )
    head.load_state_dict(part(ours, rename(below(theirs, case['state_dict'])).tensors))
    fine, coarse = (case[f'{kind}_features'].transpose(1, 2) for kind in ('fine_grained', 'coarse'))
    assert_same(head(fine, coarse).transpose(1, 2), case['output'])


def test_heads_of_mmdet_compute_the_same() -> None:
    torch.manual_seed(0)
    coarse_head = CoarseMaskHead(
        num_fcs=2, in_channels=6, conv_out_channels=6, fc_out_channels=8, num_classes=3
    )
    point_head = MaskPointHead(num_classes=3, num_fcs=2, in_channels=6, fc_channels=5)
    state = below('roi_head.mask_head', coarse_head.state_dict())
    tensors = rename(state | below('roi_head.point_head', point_head.state_dict())).tensors
    ours = ConvFCHead((3, 7, 7), in_channels=6, conv_channels=6, fc_channels=8)
    ours.load_state_dict(part('roi_head.mask_head.coarse_head', tensors))
    features = torch.randn(2, 6, 14, 14)
    assert_same(ours(features), coarse_head(features))
    ours = StandardPointHead(3, in_channels=6, num_fcs=2, fc_channels=5)
    ours.load_state_dict(part('roi_head.mask_head.point_head', tensors))
    fine, coarse = torch.randn(2, 6, 9), torch.randn(2, 3, 9)
    result = ours(fine.transpose(1, 2), coarse.transpose(1, 2)).transpose(1, 2)
    assert_same(result, point_head(fine, coarse))


@pytest.mark.parametrize('each_layer', [True, False])
def test_point_head_of_mmseg_computes_the_same(each_layer: bool) -> None:
    decode_heads = pytest.importorskip('mmseg.models.decode_heads')
    torch.manual_seed(0)
    options = {'num_classes': 3, 'num_fcs': 2, 'coarse_pred_each_layer': each_layer}
    point_head = decode_heads.PointHead(
        in_channels=[6], in_index=[0], channels=5, dropout_ratio=-1, **options
    )
    ours = StandardPointHead(
        3, in_channels=6, num_fcs=2, fc_channels=5, coarse_each_layer=each_layer
    )
    tensors = rename(below('decode_head.1', point_head.state_dict())).tensors
    ours.load_state_dict(part('decode_head.1.point_head', tensors))
    fine, coarse = torch.randn(2, 6, 9), torch.randn(2, 3, 9)
    result = ours(fine.transpose(1, 2), coarse.transpose(1, 2)).transpose(1, 2)
    assert_same(result, point_head(fine, coarse))


def test_anchors_come_in_the_order_of_detectron2() -> None:
    anchors = AnchorGenerator(scales=[8], ratios=[0.5, 1.0, 2.0], strides=[4, 8])
    for size, found in zip((32, 64), anchors.base_anchors, strict=True):
        # An anchor of area size^2 and ratio height / width, around the corner of a cell.
        sides = [(size / math.sqrt(ratio), size * math.sqrt(ratio)) for ratio in (0.5, 1, 2)]
        expected = torch.tensor([[-w / 2, -h / 2, w / 2, h / 2] for w, h in sides])
        torch.testing.assert_close(found, expected)
