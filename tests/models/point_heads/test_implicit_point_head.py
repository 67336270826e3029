import pytest
import torch

from mmpointrend.models import ImplicitPointHead

from ...reference import assert_same, load_reference

CASES = load_reference('implicit_point_head')['cases']


def build(case):
    head = ImplicitPointHead(
        num_classes=int(case['num_classes']),
        in_channels=int(case['input_channels']),
        num_fcs=int(case['num_fc']),
        fc_channels=int(case['channels']),
        class_agnostic=bool(case['cls_agnostic_mask']),
        image_features=bool(case['image_feature_enabled']),
        position='fourier' if case['positional_encoding_enabled'] else None,
    )
    if head.position:
        head.frequencies.copy_(case['state_dict']['positional_encoding_gaussian_matrix'])
    return head


@pytest.mark.parametrize('case', CASES, ids=lambda c: c['name'])
def test_matches_reference(case):
    head = build(case)
    assert head.num_parameters == case['num_params']
    features = case['fine_grained_features'].transpose(1, 2).clone().requires_grad_()
    parameters = case['parameters'].clone().requires_grad_()
    output = head(features, case['point_coords'], parameters).transpose(1, 2)
    assert_same(output, case['output'])
    (output * case['grad_weight']).sum().backward()
    assert_same(parameters.grad, case['grad_parameters'])
    if 'grad_fine' in case:
        assert_same(features.grad.transpose(1, 2), case['grad_fine'])


@pytest.mark.parametrize('case', CASES, ids=lambda c: c['name'])
def test_class_of_a_region_equals_its_channel_of_all_classes(case):
    head = build(case)
    features, points = case['fine_grained_features'].transpose(1, 2), case['point_coords']
    labels = torch.arange(len(points)) % int(case['num_classes'])
    one = head(features, points, case['parameters'], labels)
    every = head(features, points, case['parameters'])
    expected = every[torch.arange(len(points)), :, labels][..., None]
    torch.testing.assert_close(one, expected)


def test_position_is_encoded_in_float32_under_autocast():
    head = ImplicitPointHead(num_classes=2, in_channels=4)
    points = torch.rand(2, 50, 2)
    expected = head.encode(points)
    with torch.autocast('cpu', torch.bfloat16):
        torch.testing.assert_close(head.encode(points), expected, rtol=0, atol=0)


def test_plain_position_is_the_centred_coordinates():
    head = ImplicitPointHead(num_classes=2, num_fcs=1, fc_channels=2, image_features=False)
    plain = ImplicitPointHead(2, num_fcs=1, fc_channels=2, image_features=False, position='plain')
    assert plain.num_parameters == 2 * 2 + 2 + 2 * 2 + 2 < head.num_parameters
    points = torch.tensor([[[0.25, 1.0], [0.5, 0.5]]])
    # Identity, then the sum of both for class 0.
    parameters = torch.tensor([[1.0, 0, 0, 1, 1, 1, 0, 0, 0, 0, 0, 0]])
    logits = plain(torch.zeros(1, 2, 256), points, parameters, torch.tensor([0]))
    assert logits.flatten().tolist() == [0 + 1.0, 0.0]  # -0.5 is cut by the ReLU


def test_without_regions():
    head = ImplicitPointHead(num_classes=2, in_channels=4, fc_channels=8)
    parameters = torch.zeros(0, head.num_parameters, requires_grad=True)
    labels = torch.zeros(0, dtype=torch.long)
    logits = head(torch.zeros(0, 5, 4), torch.zeros(0, 5, 2), parameters, labels)
    assert logits.shape == (0, 5, 1)
    logits.sum().backward()
    assert parameters.grad is not None


@pytest.mark.parametrize(
    'options',
    [{'image_features': False, 'position': None}, {'num_fcs': 0}, {'position': 'polar'}],
)
def test_a_head_that_sees_or_hides_nothing_is_an_error(options):
    with pytest.raises(ValueError, match=next(iter(options))):
        ImplicitPointHead(num_classes=2, **options)
