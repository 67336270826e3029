import torch

from mmpointrend.models import UniformPointSampler


def test_draws_the_asked_number_anew_each_time():
    sampler = UniformPointSampler(num_points=300)
    first, second = (sampler(None, 2, torch.device('cpu')) for _ in range(2))
    assert first.shape == (2, 300, 2)
    assert not torch.equal(first, second)
    assert first.min() >= 0
    assert first.max() < 1
