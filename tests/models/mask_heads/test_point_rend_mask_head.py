"""With fewer cells than classes, the point head meets the cells before the points read them."""

import pytest
import torch

from mmpointrend.models import PointRendMaskHead
from mmpointrend.points import sample_maps

REGIONS, POINTS, CHANNELS, SIZE = 3, 400, 8, 4
every_number_of_classes = pytest.mark.parametrize('num_classes', [SIZE**2, SIZE**2 + 1])


def build(num_classes: int) -> PointRendMaskHead:
    torch.manual_seed(0)
    head = PointRendMaskHead(
        num_classes,
        coarse_head={
            'type': 'mmpointrend.ConvFCHead',
            'in_channels': CHANNELS,
            'conv_channels': CHANNELS,
            'fc_channels': 8,
        },
        point_head={
            'type': 'mmpointrend.StandardPointHead',
            'in_channels': CHANNELS,
            'fc_channels': 16,
        },
        point_sampler={'type': 'mmpointrend.UncertainPointSampler', 'num_points': POINTS},
        loss_coarse={'type': 'mmpointrend.PointCrossEntropyLoss'},
        loss_point={'type': 'mmpointrend.PointCrossEntropyLoss'},
        coarse_size=SIZE,
    )
    for parameter in head.point_head.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    return head


def draw(num_classes: int) -> tuple[torch.Tensor, ...]:
    """Coarse logits, features at points, the points, and a class of each region."""
    coarse = torch.randn(REGIONS, num_classes, SIZE, SIZE, requires_grad=True)
    features = torch.randn(REGIONS, POINTS, CHANNELS, requires_grad=True)
    return coarse, features, torch.rand(REGIONS, POINTS, 2), torch.tensor([0, num_classes - 1, 1])


@every_number_of_classes
def test_points_see_the_coarse_logits_where_they_are(num_classes: int) -> None:
    head = build(num_classes)
    coarse, features, points, labels = draw(num_classes)
    parameters = [coarse, features, *head.point_head.parameters()]
    logits = head.point_predictor(coarse, labels, lambda points: features)(points)
    expected = head.point_head(features, sample_maps(coarse, points), labels)
    assert logits.shape == (REGIONS, POINTS, 1)
    torch.testing.assert_close(logits, expected)
    weights = torch.randn_like(logits)
    for actual, gradient in zip(
        torch.autograd.grad((logits * weights).sum(), parameters),
        torch.autograd.grad((expected * weights).sum(), parameters),
        strict=True,
    ):
        torch.testing.assert_close(actual, gradient, rtol=1e-4, atol=1e-4)


@every_number_of_classes
@pytest.mark.parametrize('half_features', [False, True])
def test_half_precision_masks_agree_with_float32(num_classes: int, half_features: bool) -> None:
    head = build(num_classes)
    coarse, features, points, labels = draw(num_classes)
    with torch.no_grad():
        exact = head.point_predictor(coarse, labels, lambda points: features)(points) > 0
        if half_features:
            features = features.bfloat16()
        with torch.autocast('cpu', torch.bfloat16):
            logits = head.point_predictor(coarse, labels, lambda points: features)(points)
    assert logits.dtype == torch.float32
    rounded = logits > 0
    assert (exact & rounded).sum() / (exact | rounded).sum() > 0.98
