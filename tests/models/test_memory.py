"""How much memory the models take, as elements of the largest tensor."""

import pytest
import torch
from mmengine.structures import InstanceData

from .roi_heads.test_implicit_point_rend_roi_head import build
from .tensor_meter import TensorMeter

REGIONS, CLASSES, START, STEPS = 100, 80, 28, 3
ONE_PLANE = REGIONS * (START * 2**STEPS) ** 2


@pytest.fixture
def head():
    """Implicit PointRend with heads so thin that only classes and planes are large."""
    head = build(
        num_classes=CLASSES,
        in_channels=2,
        mask_head={
            'parameter_head': {
                'type': 'mmpointrend.ConvFCHead',
                'in_channels': 2,
                'conv_channels': 2,
                'fc_channels': 2,
            },
            'point_head': {
                'type': 'mmpointrend.ImplicitPointHead',
                'in_channels': 2,
                'fc_channels': 4,
                'num_frequencies': 2,
            },
        },
    )
    head.test_cfg.update(
        subdivision_start=START, subdivision_steps=STEPS, subdivision_num_points=START**2
    )
    return head


def test_prediction_never_holds_all_classes_at_any_resolution(head):
    corners = torch.rand(REGIONS, 2, generator=torch.Generator().manual_seed(0)) * 30
    detections = InstanceData(
        bboxes=torch.cat((corners, corners + 30), 1), labels=torch.arange(REGIONS) % CLASSES
    )
    metas = [{'ori_shape': (64, 96), 'scale_factor': (1.0, 1.0)}]
    with torch.no_grad(), TensorMeter() as meter:
        head.predict_mask((torch.randn(1, 2, 16, 24),), metas, [detections])
    assert len(detections.masks) == REGIONS
    # All classes on the start grid alone would be more than one plane of every region at the end.
    assert REGIONS * CLASSES * START**2 > ONE_PLANE
    assert meter.largest == ONE_PLANE


def test_meter_sees_what_an_operation_allocates():
    planes = torch.zeros(2, 3, 4, 4)
    with torch.no_grad(), TensorMeter() as meter:
        torch.nn.functional.interpolate(planes, scale_factor=2)
    assert meter.largest == 2 * 3 * 8 * 8
    assert meter.largest_bytes == 4 * meter.largest
