import pytest
import torch

from mmpointrend.models import UncertainPointSampler


def left_edge(points):
    """Logits that are least certain where x = 0.5."""
    return points[..., :1] - 0.5


def test_most_points_are_the_least_certain_candidates():
    torch.manual_seed(0)
    sampler = UncertainPointSampler(400, oversample_ratio=3, importance_ratio=0.75)
    points = sampler(left_edge, 2, torch.device('cpu'))
    assert points.shape == (2, 400, 2)
    uncertain, uniform = points.split((300, 100), 1)
    # 300 of 1200 uniform candidates lie within 1/8 of the edge.
    assert (uncertain[..., 0] - 0.5).abs().max() < 0.16
    assert (uniform[..., 0] - 0.5).abs().max() > 0.4


def test_predictor_gets_no_gradient():
    scale = torch.ones((), requires_grad=True)
    points = UncertainPointSampler(8)(lambda p: p[..., :1] * scale, 2, torch.device('cpu'))
    assert not points.requires_grad


@pytest.mark.parametrize(
    ('ratios', 'message'),
    [
        ({'oversample_ratio': 0.5}, 'oversample_ratio must be at least 1, got 0.5'),
        ({'importance_ratio': 1.5}, r'importance_ratio must lie in \[0, 1\], got 1.5'),
    ],
)
def test_ratio_out_of_range_is_an_error(ratios, message):
    with pytest.raises(ValueError, match=message):
        UncertainPointSampler(8, **ratios)(left_edge, 2, torch.device('cpu'))
