import torch

from mmpointrend.models import ParameterL2Loss


def test_is_the_weighted_mean_square():
    loss = ParameterL2Loss(loss_weight=0.1)(torch.tensor([[1.0, -2.0], [3.0, 0.0]]))
    torch.testing.assert_close(loss, torch.tensor(0.1 * 14 / 4))


def test_without_regions_is_a_connected_zero():
    parameters = torch.zeros(0, 7, requires_grad=True)
    loss = ParameterL2Loss()(parameters)
    loss.backward()
    assert loss == 0
    assert parameters.grad is not None
