import pytest
import torch

from mmpointrend.models import StandardPointHead

from ...reference import assert_same, load_reference, with_our_names

REFERENCE = load_reference('standard_point_head')
every_case = pytest.mark.parametrize('case', REFERENCE['cases'], ids=lambda c: c['name'])


def from_reference(state: dict) -> dict:
    return with_our_names(state, 'point_head')


def build(case):
    head = StandardPointHead(
        num_classes=case['num_classes'],
        in_channels=case['input_channels'],
        num_fcs=case['num_fc'],
        fc_channels=case['fc_dim'],
        class_agnostic=bool(case['cls_agnostic_mask']),
        coarse_channels=case['num_classes'],
        coarse_each_layer=bool(case['coarse_pred_each_layer']),
    )
    head.load_state_dict(from_reference(case['state_dict']))
    return head


@every_case
def test_matches_reference(case):
    head = build(case)
    fine, coarse, expected, grad, grad_fine, grad_coarse = (
        case[key].transpose(1, 2)
        for key in (
            'fine_grained_features',
            'coarse_features',
            'output',
            'grad_weight',
            'grad_fine',
            'grad_coarse',
        )
    )
    fine, coarse = fine.clone().requires_grad_(), coarse.clone().requires_grad_()
    output = head(fine, coarse)
    assert_same(output, expected)
    (output * grad).sum().backward()
    assert_same(fine.grad, grad_fine)
    assert_same(coarse.grad, grad_coarse)
    parameters = dict(head.named_parameters())
    for name, gradient in from_reference(case['grads']).items():
        assert_same(parameters[name].grad, gradient)


@every_case
@pytest.mark.parametrize('labels', [None, torch.tensor([4, 0, 2])])
def test_layers_of_cells_see_what_the_points_read_from_them(case, labels):
    head = build(case)
    generator = torch.Generator().manual_seed(0)
    fine = case['fine_grained_features'].transpose(1, 2)
    cells = torch.randn(3, 4, 5, generator=generator)
    weights = torch.rand(3, 25, 4, generator=generator)
    layers = head.layers(labels, cells)
    assert_same(head.evaluate(fine, weights, layers), head(fine, weights @ cells, labels))


@every_case
def test_output_of_the_class_of_each_region_alone(case):
    head = build(case)
    fine, coarse = (
        case[key].transpose(1, 2) for key in ('fine_grained_features', 'coarse_features')
    )
    labels = torch.tensor([4, 0, 2])
    output = head(fine, coarse, labels)
    expected = head(fine, coarse)
    if expected.shape[2] > 1:
        expected = torch.stack([expected[i, :, label] for i, label in enumerate(labels)])[..., None]
    assert output.shape == (3, 25, 1)
    assert_same(output, expected)


def test_initial_weights_have_the_spread_of_the_reference():
    reference = from_reference(REFERENCE['fresh_init']['state_dict'])
    torch.manual_seed(0)
    head = StandardPointHead(5, in_channels=16, fc_channels=16)
    head.init_weights()
    for name, weight in head.state_dict().items():
        if name.endswith('bias'):
            assert not weight.any()
        else:
            torch.testing.assert_close(weight.std(), reference[name].std(), rtol=0.2, atol=0)


def test_without_regions_reaches_every_parameter():
    head = StandardPointHead(3, in_channels=4, fc_channels=5)
    layers = head.layers(torch.zeros(0, dtype=torch.long), torch.zeros(0, 9, 3))
    head.evaluate(torch.zeros(0, 6, 4), torch.zeros(0, 6, 9), layers).sum().backward()
    assert all(parameter.grad is not None for parameter in head.parameters())


def test_no_hidden_layer_is_an_error():
    with pytest.raises(ValueError, match='num_fcs must be at least 1, got 0'):
        StandardPointHead(3, num_fcs=0)
