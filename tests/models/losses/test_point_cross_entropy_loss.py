import pytest
import torch
import torch.nn.functional as F

from mmpointrend.models import PointCrossEntropyLoss

from ...reference import assert_same, load_reference

CASES = load_reference('losses')['roi_mask_point_loss']


@pytest.mark.parametrize('case', CASES, ids=lambda c: c['name'])
def test_matches_reference(case):
    logits = case['mask_logits'].clone().requires_grad_()
    chosen = logits[:, 0]
    if logits.shape[1] > 1:
        chosen = logits[torch.arange(len(logits)), torch.cat(case['gt_classes'])]
    loss = PointCrossEntropyLoss()(chosen, case['point_labels'])
    assert_same(loss, case['loss'])
    loss.backward()
    assert_same(logits.grad, case['grad_logits'])


def test_valid_points_are_averaged_alone():
    logits, labels = torch.randn(3, 4), torch.tensor([[1.0, 0, -1, -1], [1, 1, 1, -1], [-1] * 4])
    expected = F.binary_cross_entropy_with_logits(logits[labels >= 0], labels[labels >= 0])
    loss = PointCrossEntropyLoss(avg_over='valid', loss_weight=2.0)(logits, labels)
    torch.testing.assert_close(loss, 2 * expected)


def test_regions_count_the_same_whatever_their_number_of_points():
    logits, labels = torch.randn(2, 6), torch.randint(0, 2, (2, 6)).float()
    labels[1, 2:] = -1
    loss = PointCrossEntropyLoss()(logits, labels, num_points=torch.tensor([6.0, 2.0]))
    first = F.binary_cross_entropy_with_logits(logits[0], labels[0])
    second = F.binary_cross_entropy_with_logits(logits[1, :2], labels[1, :2])
    torch.testing.assert_close(loss, (first + second) / 2)


@pytest.mark.parametrize('avg_over', ['all', 'valid'])
def test_weight_two_counts_like_two_regions(avg_over):
    logits, labels = torch.randn(2, 6), torch.randint(-1, 2, (2, 6)).float()
    loss = PointCrossEntropyLoss(avg_over)
    weighted = loss(logits, labels, weights=torch.tensor([0.1, 0.2]))
    torch.testing.assert_close(weighted, loss(logits[[0, 1, 1]], labels[[0, 1, 1]]))


@pytest.mark.parametrize('avg_over', ['all', 'valid'])
@pytest.mark.parametrize('shape', [(0, 5), (3, 0), (0, 0)])
def test_nothing_to_learn_from_is_a_connected_zero(avg_over, shape):
    logits = torch.randn(shape, requires_grad=True)
    loss = PointCrossEntropyLoss(avg_over)(logits, torch.zeros(shape), torch.zeros(shape[0]))
    loss.backward()
    assert loss == 0
    assert logits.grad is not None


def test_half_precision_logits_give_a_float32_loss():
    logits = torch.randn(2, 5)
    labels = torch.randint(0, 2, (2, 5)).float()
    loss = PointCrossEntropyLoss()(logits.bfloat16(), labels)
    assert loss.dtype == torch.float32
    torch.testing.assert_close(loss, PointCrossEntropyLoss()(logits.bfloat16().float(), labels))


def test_unknown_average_is_named():
    with pytest.raises(ValueError, match="'all' or 'valid', got 'mean'"):
        PointCrossEntropyLoss(avg_over='mean')
