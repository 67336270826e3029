import pytest
import torch
import torch.nn.functional as F

from mmpointrend.points import (
    bilinear_weights,
    label_points,
    sample_maps,
    sample_region_features,
    uncertain_points,
    uniform_points,
)

from ..reference import assert_same, load_reference

REFERENCE = load_reference('point_features')


def name(case):
    return case['name']


def to_rois(boxes):
    index = torch.cat([torch.full((len(b), 1), float(i)) for i, b in enumerate(boxes)])
    return torch.cat((index, torch.cat(boxes)), 1)


def kwargs_of(case):
    kwargs = dict(case['kwargs'])
    if 'padding_mode' in kwargs:
        kwargs['padding'] = kwargs.pop('padding_mode')
    return kwargs


@pytest.mark.parametrize('case', REFERENCE['point_sample'], ids=name)
def test_sample_maps_matches_reference(case):
    maps = case['input'].clone().requires_grad_()
    points = case['point_coords'].flatten(1, -2)
    sampled = sample_maps(maps, points, **kwargs_of(case)).transpose(1, 2)
    assert_same(sampled, case['output'].flatten(2))
    if 'grad_weight' in case:
        (sampled * case['grad_weight'].flatten(2)).sum().backward()
        assert_same(maps.grad, case['grad_input'])


@pytest.mark.parametrize('align_corners', [False, True])
@pytest.mark.parametrize('padding', ['zeros', 'border'])
@pytest.mark.parametrize('mode', ['bilinear', 'nearest'])
@pytest.mark.parametrize('size', [(7, 9), (1, 4)], ids=str)
def test_sample_maps_reads_the_named_map(size, mode, padding, align_corners):
    maps, points = torch.rand(3, 4, *size), torch.rand(5, 60, 2) * 4 - 1.5
    index = torch.tensor([2, 0, 2, 1, 0])
    options = {'mode': mode, 'align_corners': align_corners}
    grid = 2 * points[:, None] - 1
    expected = F.grid_sample(maps[index], grid, padding_mode=padding, **options)[:, :, 0]
    sampled = sample_maps(maps, points, index, padding=padding, **options)
    torch.testing.assert_close(sampled, expected.transpose(1, 2), rtol=1e-5, atol=1e-5)


def test_sample_maps_does_not_depend_on_memory_format():
    maps, points = torch.rand(2, 4, 7, 9), torch.rand(2, 6, 2)
    channels_last = maps.contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(sample_maps(channels_last, points), sample_maps(maps, points))


def test_sample_maps_of_integers_equals_that_of_floats():
    masks, points = torch.rand(3, 1, 6, 5) > 0.5, torch.rand(3, 9, 2)
    expected = sample_maps(masks.float(), points)
    torch.testing.assert_close(sample_maps(masks, points), expected)
    torch.testing.assert_close(sample_maps(masks.to(torch.uint8), points), expected)


def test_sample_maps_without_groups_stays_connected():
    maps = torch.rand(2, 4, 5, 5, requires_grad=True)
    sampled = sample_maps(maps, torch.rand(0, 6, 2), torch.zeros(0, dtype=torch.long))
    assert sampled.shape == (0, 6, 4)
    sampled.sum().backward()
    assert maps.grad.abs().sum() == 0


def test_sample_maps_keeps_coordinates_exact_in_half_precision():
    column = torch.arange(512.0).expand(
        1, 1, 512, 512
    )  # every integer up to 512 is exact in float16
    points = torch.full((1, 1, 2), 389.75 / 512)
    assert sample_maps(column.half(), points).item() == pytest.approx(389.25, abs=0.26)
    with torch.autocast('cpu', torch.bfloat16):
        assert sample_maps(column, points).item() == pytest.approx(389.25)


@pytest.mark.parametrize('options', [{'mode': 'cubic'}, {'padding': 'reflection'}])
def test_sample_maps_names_an_unknown_option(options):
    with pytest.raises(ValueError, match=next(iter(options.values()))):
        sample_maps(torch.rand(1, 1, 4, 4), torch.rand(1, 2, 2), **options)


def test_sample_maps_needs_an_index_for_other_numbers_of_groups():
    with pytest.raises(ValueError, match='3 groups of points for 2 maps'):
        sample_maps(torch.rand(2, 1, 4, 4), torch.rand(3, 2, 2))


@pytest.mark.parametrize('case', REFERENCE['point_sample_fine_grained_features'], ids=name)
def test_sample_region_features_matches_reference(case):
    names = (
        case['feature_names']
        if isinstance(case['feature_names'], list)
        else [case['feature_names']]
    )
    features = [case['features'][level].clone().requires_grad_() for level in names]
    strides = [1 / scale for scale in case['feature_scales'].tolist()]
    sampled = sample_region_features(
        features, strides, to_rois(case['boxes']), case['point_coords']
    )
    assert_same(sampled.transpose(1, 2), case['output'])
    (sampled.transpose(1, 2) * case['grad_weight']).sum().backward()
    for level, feature in zip(names, features, strict=True):
        assert_same(feature.grad, case['grad_features'][level])


@pytest.mark.parametrize('case', REFERENCE['sample_point_labels'], ids=name)
def test_label_points_matches_reference(case):
    masks = [instances['gt_masks'] for instances in case['instances']]
    points = case['point_coords'].split([len(m) for m in masks])
    labels = [label_points(m, p, torch.arange(len(m))) for m, p in zip(masks, points, strict=True)]
    assert_same(torch.cat(labels), case['output'])


def test_label_points_reads_one_pixel_at_its_centre():
    masks = torch.zeros(2, 4, 6, dtype=torch.uint8)
    masks[1, 2, 3] = 1
    points = torch.tensor([[[3.5, 2.5], [4.0, 2.5], [2.5, 2.5]]])
    labels = label_points(masks, points, torch.tensor([1]))
    torch.testing.assert_close(labels, torch.tensor([[1.0, 0.5, 0.0]]))


@pytest.mark.parametrize('case', REFERENCE['get_uncertain_point_coords_with_randomness'], ids=name)
def test_uncertain_points_match_reference(case, monkeypatch):
    draws = iter(case['rand_draws'])
    monkeypatch.setattr(torch, 'rand', lambda *shape, device=None: next(draws).view(shape))
    logits = case['coarse_logits']
    if case['uncertainty'] == 'mask' and logits.shape[1] > 1:
        logits = logits[torch.arange(len(logits)), case['gt_classes']][:, None]
    points = uncertain_points(
        lambda points: sample_maps(logits, points),
        len(logits),
        int(case['num_points']),
        float(case['oversample_ratio']),
        float(case['importance_sample_ratio']),
    )
    as_sets = [sorted(map(tuple, region.tolist())) for region in points]
    assert as_sets == [sorted(map(tuple, region.tolist())) for region in case['output']]


def test_uncertain_points_prefer_the_boundary():
    points = uncertain_points(lambda p: p[..., :1] - 0.5, 1, 400, importance_ratio=1.0)
    assert (points[..., 0] - 0.5).abs().max() < 0.2  # the nearest third spans 1 / 6 to each side


@pytest.mark.parametrize('ratios', [{'oversample_ratio': 0.5}, {'importance_ratio': 1.5}])
def test_uncertain_points_name_a_ratio_out_of_range(ratios):
    with pytest.raises(ValueError, match=next(iter(ratios))):
        uncertain_points(lambda p: p[..., :1], 1, 10, **ratios)


def test_uniform_points_fill_the_unit_square():
    points = uniform_points(2, 5000)
    assert points.shape == (2, 5000, 2)
    counts = torch.histogramdd(points[0], bins=[4, 4], range=[0.0, 1.0, 0.0, 1.0]).hist
    assert counts.sum() == 5000
    assert counts.min() > 5000 / 16 * 0.7


def test_bilinear_weights_read_like_sample_maps():
    maps, points = torch.randn(3, 5, 6, 6), torch.rand(3, 40, 2) * 1.4 - 0.2
    weights = bilinear_weights(points, 6)
    read = weights @ maps.flatten(2).transpose(1, 2)
    torch.testing.assert_close(read, sample_maps(maps, points), rtol=1e-5, atol=1e-5)
    assert weights.dtype == bilinear_weights(points.bfloat16(), 6).dtype == torch.float32
