"""From a pickle of detectron2 to what detectron2 predicts with it, for small random weights."""

import pickle
from pathlib import Path

import pytest
import torch
from mmdet.structures.bbox import bbox2roi

from mmpointrend.checkpoints import convert, read_checkpoint
from mmpointrend.models import PointRoIExtractor
from mmpointrend.points import regular_grid
from mmpointrend.registry import MODELS

from ..reference import assert_same, load_reference
from .synthetic import below, part

LOSS = {'type': 'mmpointrend.PointCrossEntropyLoss'}
POINTREND = {
    'type': 'mmpointrend.PointRendMaskHead',
    'coarse_head': {'fc_channels': 32},
    'point_head': {'type': 'mmpointrend.StandardPointHead', 'in_channels': 16, 'fc_channels': 16},
    'loss_coarse': LOSS,
}
IMPLICIT = {
    'type': 'mmpointrend.ImplicitPointRendMaskHead',
    'parameter_head': {'fc_channels': 16},
    'point_head': {'type': 'mmpointrend.ImplicitPointHead', 'in_channels': 16, 'fc_channels': 8},
    'loss_parameters': {'type': 'mmpointrend.ParameterL2Loss'},
}


def build(head: dict, region_head: str) -> torch.nn.Module:
    conv_fc = {'type': 'mmpointrend.ConvFCHead', 'in_channels': 16, 'conv_channels': 16}
    sampler = {'type': 'mmpointrend.UniformPointSampler', 'num_points': 196}
    common = {'num_classes': 5, 'point_sampler': sampler, 'loss_point': LOSS}
    return MODELS.build({**head, **common, region_head: conv_fc | head[region_head]})


@pytest.mark.parametrize(
    ('reference', 'head', 'region_head'),
    [
        ('pointrend_mask_head', POINTREND, 'coarse_head'),
        ('implicit_pointrend_mask_head', IMPLICIT, 'parameter_head'),
    ],
)
def test_converted_mask_head_predicts_the_same(
    reference: str, head: dict, region_head: str, tmp_path: Path
) -> None:
    values = load_reference(reference)
    path = tmp_path / 'model_final.pkl'
    state = below('roi_heads.mask_head', values['state_dict'])
    content = {'model': {key: value.numpy() for key, value in state.items()}, '__author__': 'x'}
    path.write_bytes(pickle.dumps(content, protocol=2))

    head = build(head, region_head)
    target = below('roi_head.mask_head', head.state_dict())
    converted = convert(read_checkpoint(path).tensors, target).state
    head.load_state_dict(part('roi_head.mask_head', converted))

    case = values['inference'][0]
    maps = (case['features']['p2'],)
    rois = bbox2roi([image['pred_boxes'] for image in case['instances']])
    labels = torch.cat([image['pred_classes'] for image in case['instances']])
    extractor = PointRoIExtractor(featmap_strides=[4])
    prediction = head(extractor(maps, rois))
    assert_same(prediction, case['intermediates'][f'{region_head}.first_call'])
    predict = head.point_predictor(prediction, labels, lambda p: extractor.read(maps, rois, p))
    logits = predict(regular_grid((14, 14)).expand(len(rois), -1, -1))[..., 0]
    expected = case['intermediates']['point_head.first_call']
    assert_same(logits, expected[torch.arange(len(rois)), labels])
