"""How much memory the models take, as elements of the largest tensor."""

import pytest
import torch
from mmengine.structures import InstanceData

from mmpointrend.engine.benchmark import extra_bytes

from .roi_heads.test_point_rend_roi_head import build
from .tensor_meter import TensorMeter

START, STEPS = 28, 3
THIN_FC = {
    'type': 'mmpointrend.ConvFCHead',
    'in_channels': 2,
    'conv_channels': 2,
    'fc_channels': 2,
}
THIN = {
    'pointrend': {
        'coarse_head': THIN_FC,
        'point_head': {
            'type': 'mmpointrend.StandardPointHead',
            'in_channels': 2,
            'fc_channels': 4,
        },
    },
    'implicit': {
        'parameter_head': THIN_FC,
        'point_head': {
            'type': 'mmpointrend.ImplicitPointHead',
            'in_channels': 2,
            'fc_channels': 4,
            'num_frequencies': 2,
        },
    },
}


def largest_tensor_of_prediction(method, regions, classes):
    """Predict with heads so thin that only classes and planes are large."""
    head = build(method, num_classes=classes, in_channels=2, **THIN[method])
    head.test_cfg.update(
        subdivision_start=START, subdivision_steps=STEPS, subdivision_num_points=START**2
    )
    corners = torch.rand(regions, 2, generator=torch.Generator().manual_seed(0)) * 30
    detections = InstanceData(
        bboxes=torch.cat((corners, corners + 30), 1), labels=torch.arange(regions) % classes
    )
    metas = [{'ori_shape': (64, 96), 'scale_factor': (1.0, 1.0)}]
    with torch.no_grad(), TensorMeter() as meter:
        head.predict_mask((torch.randn(1, 2, 16, 24),), metas, [detections])
    assert len(detections.masks) == regions
    return meter.largest


@pytest.mark.parametrize('method', THIN)
def test_prediction_never_holds_all_classes_at_any_resolution(method):
    one_plane_each = 100 * (START * 2**STEPS) ** 2
    # All classes on the start grid alone would be more.
    assert one_plane_each < 100 * 80 * START**2
    assert largest_tensor_of_prediction(method, 100, 80) == one_plane_each


def test_many_classes_only_meet_the_coarse_mask():
    assert largest_tensor_of_prediction('pointrend', 30, 1203) == 30 * 1203 * 7 * 7


def test_prediction_of_lvis_stays_below_two_gigabytes():
    """300 boxes, 1203 classes and heads of full size; all planes at 224 x 224 would be 72 GB."""
    widths = {'in_channels': 256, 'conv_channels': 256}
    head = build(
        'pointrend',
        num_classes=1203,
        in_channels=256,
        coarse_head={'type': 'mmpointrend.ConvFCHead', 'fc_channels': 1024, **widths},
        point_head={'type': 'mmpointrend.StandardPointHead', 'fc_channels': 256},
    ).eval()
    head.test_cfg.update(
        subdivision_start=START, subdivision_steps=STEPS, subdivision_num_points=START**2
    )
    corners = torch.rand(300, 2) * 200
    detections = InstanceData(
        bboxes=torch.cat((corners, corners + 50), 1), labels=torch.arange(300) * 4
    )
    metas = [{'ori_shape': (256, 256), 'scale_factor': (1.0, 1.0)}]
    features = (torch.randn(1, 256, 64, 64),)
    with torch.no_grad():
        peak = extra_bytes(lambda: head.predict_mask(features, metas, [detections]), 'cpu')
    assert len(detections.masks) == 300
    assert peak < 2e9


def test_meter_sees_what_an_operation_allocates():
    planes = torch.zeros(2, 3, 4, 4)
    with torch.no_grad(), TensorMeter() as meter:
        torch.nn.functional.interpolate(planes, scale_factor=2)
    assert meter.largest == 2 * 3 * 8 * 8
    assert meter.largest_bytes == 4 * meter.largest
