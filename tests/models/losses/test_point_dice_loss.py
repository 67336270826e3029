import pytest
import torch
from mmdet.models.losses import DiceLoss

from mmpointrend.models import PointDiceLoss


def test_without_ignored_points_is_that_of_mmdet():
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(4, 30, generator=generator)
    labels = (torch.rand(4, 30, generator=generator) < 0.3).float()
    expected = DiceLoss(use_sigmoid=True, activate=True, naive_dice=False, eps=1e-4)
    # mmdet adds eps to each of the two sums and none to the overlap.
    actual = PointDiceLoss(eps=2e-4, loss_weight=2.0)(logits, labels)
    torch.testing.assert_close(actual, 2 * expected(logits, labels), rtol=1e-4, atol=0)


def test_naive_form_is_that_of_mmdet():
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(4, 30, generator=generator)
    labels = (torch.rand(4, 30, generator=generator) < 0.3).float()
    expected = DiceLoss(use_sigmoid=True, activate=True, naive_dice=True, eps=1.0)
    actual = PointDiceLoss(naive_dice=True, eps=1.0)(logits, labels)
    torch.testing.assert_close(actual, expected(logits, labels))


def test_ignored_points_count_nothing():
    logits, labels = torch.randn(2, 5), torch.tensor([[1.0, 0, 1, 0, 1], [0.0, 0, 0.5, 1, 1]])
    padded_logits = torch.cat((logits, torch.full((2, 3), 9.0)), 1).requires_grad_()
    padded_labels = torch.cat((labels, torch.full((2, 3), -1.0)), 1)
    loss = PointDiceLoss()(padded_logits, padded_labels)
    torch.testing.assert_close(loss, PointDiceLoss()(logits, labels))
    loss.backward()
    assert padded_logits.grad[:, :5].all()
    assert not padded_logits.grad[:, 5:].any()


def test_regions_count_the_same():
    logits = torch.randn(2, 6)
    labels = torch.tensor([[1.0, 0, 1, 0, 1, 0], [1.0, 0, -1, -1, -1, -1]])
    alone = [PointDiceLoss()(logits[[i]], labels[[i]]) for i in range(2)]
    torch.testing.assert_close(PointDiceLoss()(logits, labels), sum(alone) / 2)


def test_weights_say_how_much_a_region_counts():
    logits, labels = torch.randn(2, 6), (torch.rand(2, 6) < 0.5).float()
    alone = [PointDiceLoss()(logits[[i]], labels[[i]]) for i in range(2)]
    loss = PointDiceLoss()(logits, labels, weights=torch.tensor([3.0, 1.0]))
    torch.testing.assert_close(loss, (3 * alone[0] + alone[1]) / 4)


@pytest.mark.parametrize('shape', [(0, 6), (3, 0)])
def test_nothing_to_compare_is_a_connected_zero(shape):
    logits = torch.zeros(shape, requires_grad=True)
    loss = PointDiceLoss()(logits, torch.zeros(shape))
    loss.backward()
    assert loss == 0
    assert logits.grad is not None
