import pytest
import torch
from mmengine.structures import PixelData

from ...reference import assert_same, load_reference
from ..point_heads.test_standard_point_head import from_reference as point_head_from_reference

pytest.importorskip('mmseg')

from mmseg.models.decode_heads import FPNHead
from mmseg.structures import SegDataSample

from mmpointrend.models import PointRendDecodeHead
from mmpointrend.points import regular_grid, sample_maps, subdivide, uncertainty

from ..tensor_meter import TensorMeter

REFERENCE = load_reference('pointrend_sem_seg_head')
LEVELS = ('p2', 'p3', 'p4', 'p5')
SIZE = (64, 96)
META = [{'img_shape': SIZE}]
LOSS = {'type': 'CrossEntropyLoss', 'avg_non_ignore': True}
SIGMOID_LOSS = {**LOSS, 'use_sigmoid': True}


def build(num_classes=5, in_channels=(8,), in_index=(0,), num_points=128, **overrides):
    settings = {
        'point_head': {'type': 'mmpointrend.StandardPointHead', 'fc_channels': 16},
        'point_sampler': {'type': 'mmpointrend.UncertainPointSampler', 'num_points': num_points},
        'loss_decode': LOSS,
        **overrides,
    }
    head = PointRendDecodeHead(in_channels, in_index, num_classes, **settings)
    head.init_weights()
    # Like a trained one, it disagrees with the coarse map.
    torch.nn.init.normal_(head.point_head.predictor.weight)
    return head


def samples(labels):
    """Ground truth of a batch; labels have shape (N, height, width)."""
    return [SegDataSample(gt_sem_seg=PixelData(data=label[None])) for label in labels]


def random_inputs(num_classes=5, sizes=((16, 24),), num_images=2, coarse_size=(16, 24)):
    """Fine maps of 8 channels, coarse logits and labels, of which some are ignored."""
    generator = torch.Generator().manual_seed(0)
    maps = [torch.randn(num_images, 8, *size, generator=generator) for size in sizes]
    coarse = torch.randn(num_images, num_classes, *coarse_size, generator=generator)
    labels = torch.randint(max(num_classes, 2), (num_images, *SIZE), generator=generator)
    labels[:, :10] = 255
    return maps, coarse, labels


def reference_heads():
    """The coarse and the point head of the reference."""
    state = REFERENCE['state_dict']
    coarse = FPNHead(
        feature_strides=(4, 8, 16, 32),
        in_channels=[8] * 4,
        in_index=[0, 1, 2, 3],
        channels=32,
        num_classes=5,
        dropout_ratio=0,
        norm_cfg={'type': 'GN', 'num_groups': 32},
        loss_decode=LOSS,
    )
    coarse.load_state_dict(coarse_from_reference(state))
    point_head = {
        'type': 'mmpointrend.StandardPointHead',
        'fc_channels': 16,
        'coarse_each_layer': False,
    }
    point = build(point_head=point_head)
    point.load_state_dict(point_from_reference(state))
    return coarse, point


def coarse_from_reference(state):
    """Rename the parameters of the coarse head, or their gradients."""
    renamed = {}
    for key, value in state.items():
        part, *rest = key.split('.')
        if part != 'coarse_sem_seg_head':
            continue
        if rest[0] == 'predictor':
            name = f'conv_seg.{rest[1]}'
        else:
            level, layer, *leaf = rest
            kind = 'gn' if leaf[0] == 'norm' else 'conv'
            name = f'scale_heads.{LEVELS.index(level)}.{layer}.{kind}.{leaf[-1]}'
        renamed[name] = value
    return renamed


def point_from_reference(state):
    """Rename the parameters of the point head, or their gradients."""
    inner = {
        key.removeprefix('point_head.'): value
        for key, value in state.items()
        if key.startswith('point_head.')
    }
    return {f'point_head.{key}': value for key, value in point_head_from_reference(inner).items()}


def replay(monkeypatch, draws):
    """Let the random generator return the stored numbers."""
    draws = iter(draws)
    monkeypatch.setattr(torch, 'rand', lambda *size, device=None: next(draws))


def test_training_matches_reference(monkeypatch):
    case = REFERENCE['train']
    coarse_head, point_head = reference_heads()
    features = [case['features'][level].clone().requires_grad_() for level in LEVELS]
    labels = samples(case['targets'])
    replay(monkeypatch, case['rand_draws'])

    coarse_losses = coarse_head.loss(features, labels, None)
    coarse = coarse_head(features)
    losses = point_head.loss(features, coarse, labels, None)
    assert_same(coarse, case['intermediates']['coarse_sem_seg_logits'])
    assert_same(coarse_losses['loss_ce'], case['losses']['loss_sem_seg'])
    assert_same(losses['loss_ce'], case['losses']['loss_sem_seg_point'])

    (coarse_losses['loss_ce'] + losses['loss_ce']).backward()
    for level, feature in zip(LEVELS, features, strict=True):
        assert_same(feature.grad, case['grads'][f'feat.{level}'])
    gradients = {
        key.removeprefix('param.'): value
        for key, value in case['grads'].items()
        if key.startswith('param.')
    }
    expected = coarse_from_reference(gradients) | point_from_reference(gradients)
    found = {**dict(coarse_head.named_parameters()), **dict(point_head.named_parameters())}
    assert set(found) == set(expected)
    for key, parameter in found.items():
        assert_same(parameter.grad, expected[key])


def test_training_points_match_reference(monkeypatch):
    case = REFERENCE['train']
    coarse_head, point_head = reference_heads()
    asked = []
    point_head.point_sampler.register_forward_hook(lambda *args: asked.append(args[-1]))
    replay(monkeypatch, case['rand_draws'])
    features = [case['features'][level] for level in LEVELS]
    point_head.loss(features, coarse_head(features), samples(case['targets']), None)
    for points, expected in zip(asked[0], case['intermediates']['point_coords'], strict=True):
        assert sorted(points.tolist()) == sorted(expected.tolist())


def test_inference_matches_reference():
    case = REFERENCE['inference']
    coarse_head, point_head = reference_heads()
    features = [case['features'][level] for level in LEVELS]
    with torch.no_grad():
        coarse = coarse_head(features)
        logits = point_head.predict(features, coarse, META, {'subdivision_num_points': 300})
    assert_same(coarse, case['coarse_sem_seg_logits'])
    assert_same(logits, case['sem_seg_logits'])


def test_refined_points_match_reference():
    case = REFERENCE['inference']
    _, point_head = reference_heads()
    features = [case['features'][level] for level in LEVELS]
    coarse = case['coarse_sem_seg_logits']
    with torch.no_grad():
        predict = point_head.point_predictor(features, coarse)
        picked = [step.picked for step in subdivide(predict, coarse, 2, 300)]
    assert len(picked) == len(case['step_point_indices'])
    for found, expected in zip(picked, case['step_point_indices'], strict=True):
        assert torch.equal(found.sort().values, expected.sort().values)


def test_uncertainty_matches_reference():
    for case in load_reference('calculate_uncertainty')['semantic']:
        assert_same(uncertainty(case['sem_seg_logits'], dim=1)[:, None], case['output'])


LEVEL_SIZES = {
    'one level': ((16, 24),),
    'two levels': ((16, 24), (8, 12)),
    'two levels that do not divide the image': ((17, 25), (5, 7)),
}
every_levels = pytest.mark.parametrize('sizes', LEVEL_SIZES.values(), ids=LEVEL_SIZES)
both_corners = pytest.mark.parametrize('align_corners', [False, True])


def build_for(sizes, **kwargs):
    return build(in_channels=[8] * len(sizes), in_index=list(range(len(sizes))), **kwargs)


@every_levels
@both_corners
def test_every_cell_is_what_the_point_head_says_there(sizes, align_corners):
    maps, coarse, _ = random_inputs(sizes=sizes)
    head = build_for(sizes, align_corners=align_corners)
    with torch.no_grad():
        refined = head(maps, coarse, steps=1, num_points=10**6)
        shape = refined.shape[2:]
        points = regular_grid(shape, align_corners=align_corners).expand(2, -1, -1)
        fine, (coarse_there,) = (
            [sample_maps(level, points, align_corners=align_corners) for level in levels]
            for levels in (maps, [coarse])
        )
        expected = head.point_head(torch.cat(fine, -1), coarse_there)
    assert shape == ((31, 47) if align_corners else (32, 48))
    assert_same(refined, expected.transpose(1, 2).unflatten(2, shape))


@every_levels
@both_corners
@pytest.mark.parametrize('num_classes', [5, 2])
@pytest.mark.parametrize('ignored', ['some', 'all'])
def test_training_reaches_every_parameter_and_the_maps(sizes, align_corners, num_classes, ignored):
    maps, coarse, labels = random_inputs(num_classes, sizes)
    head = build_for(sizes, num_classes=num_classes, align_corners=align_corners)
    if ignored == 'all':
        labels.fill_(255)
    for tensor in (*maps, coarse):
        tensor.requires_grad_()
    loss = head.loss(maps, coarse, samples(labels), None)['loss_ce']
    loss.backward()
    assert torch.isfinite(loss)
    assert (loss > 0) == (ignored == 'some')
    reached = {**dict(head.named_parameters()), **dict(enumerate((*maps, coarse)))}
    assert [key for key, tensor in reached.items() if tensor.grad is None] == []
    assert all(torch.isfinite(tensor.grad).all() for tensor in reached.values())


def one_channel(**kwargs):
    settings = {'num_classes': 2, 'out_channels': 1, 'threshold': 0.5, 'loss_decode': SIGMOID_LOSS}
    return build(**{**settings, **kwargs})


def test_one_output_channel_trains():
    maps, _, labels = random_inputs(2)
    coarse = torch.randn(2, 1, 16, 24, requires_grad=True)
    head = one_channel()
    loss = head.loss(maps, coarse, samples(labels), None)['loss_ce']
    loss.backward()
    assert loss > 0
    assert all(tensor.grad.abs().sum() > 0 for tensor in (coarse, *head.parameters()))


def test_one_output_channel_is_refined_where_it_is_closest_to_zero():
    maps, _, _ = random_inputs(2)
    coarse = torch.randn(2, 1, 16, 24)
    head = one_channel()
    with torch.no_grad():
        predict = head.point_predictor(maps, coarse)
        (step,) = subdivide(predict, coarse, 1, 40)
    doubled = torch.nn.functional.interpolate(coarse, scale_factor=2, mode='bilinear').flatten(1)
    for picked, logits in zip(step.picked, doubled, strict=True):
        assert set(picked.tolist()) == set(logits.abs().argsort()[:40].tolist())
    with torch.no_grad():
        assert_same(head(maps, coarse, 1, 40), step.planes)


@both_corners
def test_labels_are_those_of_the_nearest_pixels(align_corners):
    maps, coarse, labels = random_inputs()
    head = build(align_corners=align_corners)
    asked, seen = [], []
    head.point_sampler.register_forward_hook(lambda *args: asked.append(args[-1]))
    head.loss_decode.register_forward_hook(lambda module, args, output: seen.append(args))
    head.loss(maps, coarse, samples(labels), None)
    (points,), ((logits, found),) = asked, seen
    assert logits.shape == (2, 5, 128, 1)
    height, width = SIZE
    if align_corners:
        x, y = (points[..., 0] * (width - 1)).round(), (points[..., 1] * (height - 1)).round()
    else:
        x, y = (points[..., 0] * width).floor(), (points[..., 1] * height).floor()
    expected = labels[torch.arange(2)[:, None], y.long(), x.long()]
    assert torch.equal(found[..., 0], expected)
    assert (expected == 255).any()


def test_labels_at_the_very_border_are_not_lost():
    maps, coarse, labels = random_inputs()
    head, seen = build(), []
    head.point_sampler.register_forward_hook(lambda *args: torch.ones(2, 1, 2))
    head.loss_decode.register_forward_hook(lambda module, args, output: seen.append(args[1]))
    head.loss(maps, coarse, samples(labels.fill_(3)), None)
    assert seen[0].unique().tolist() == [3]


def sparse_labels(num_labelled, num_images=2, ignore_index=255):
    """Labels of which few pixels of each image are not ignored."""
    generator = torch.Generator().manual_seed(1)
    labels = torch.full((num_images, *SIZE), ignore_index)
    for image in labels:
        pixels = torch.randperm(image.numel(), generator=generator)[:num_labelled]
        image.view(-1)[pixels] = torch.randint(5, (num_labelled,), generator=generator)
    return labels


@both_corners
@pytest.mark.parametrize(
    ('num_labelled', 'ignore_index'), [(1, 255), (40, 255), (127, 255), (40, 7)]
)
def test_loss_of_sparse_labels_is_that_of_all_their_pixels(
    align_corners, num_labelled, ignore_index
):
    maps, coarse, _ = random_inputs()
    labels = sparse_labels(num_labelled, ignore_index=ignore_index)
    head = build(align_corners=align_corners, ignore_index=ignore_index)
    found = head.loss(maps, coarse, samples(labels), None)['loss_ce']
    with torch.no_grad():
        points = regular_grid(SIZE, align_corners=align_corners).expand(2, -1, -1)
        dense = head.point_predictor(maps, coarse)(points).transpose(1, 2).unflatten(2, SIZE)
    expected = torch.nn.functional.cross_entropy(dense, labels, ignore_index=ignore_index)
    assert_same(found, expected)


def test_dense_labels_beside_sparse_ones_are_sampled():
    maps, coarse, labels = random_inputs()
    labels[0] = sparse_labels(40, 1)[0]
    head = build()
    seen = []
    head.point_sampler.register_forward_hook(lambda *args: torch.full((2, 128, 2), 0.5))
    head.loss_decode.register_forward_hook(lambda module, args, output: seen.append(args[1]))
    head.loss(maps, coarse, samples(labels), None)
    sparse, dense = seen[0].squeeze(-1)
    assert torch.equal(
        sparse[sparse != 255].sort().values, labels[0][labels[0] != 255].sort().values
    )
    assert dense.unique().tolist() == [labels[1, 32, 48]]


def test_labels_that_are_not_sparser_than_the_points_are_sampled():
    maps, coarse, _ = random_inputs()
    head = build()
    seen = []
    head.point_sampler.register_forward_hook(lambda *args: torch.full((2, 128, 2), 0.5))
    head.loss_decode.register_forward_hook(lambda module, args, output: seen.append(args[1]))
    labels = sparse_labels(128)
    head.loss(maps, coarse, samples(labels), None)
    assert torch.equal(seen[0].squeeze(-1), labels[:, 32, 48, None].expand(2, 128))


def test_images_of_fewer_pixels_than_points_are_sampled():
    maps, coarse, _ = random_inputs()
    labels = torch.full((2, 8, 12), 255)
    labels[:, 4, 6] = 3
    assert torch.isfinite(build().loss(maps, coarse, samples(labels), None)['loss_ce'])


def test_several_losses():
    maps, coarse, labels = random_inputs()
    dice = {'type': 'DiceLoss', 'ignore_index': 255}
    head = build(loss_decode=[LOSS, {**LOSS, 'loss_weight': 0.5}, dice])
    replayed = torch.rand(2, 50, 2)
    head.point_sampler.register_forward_hook(lambda *args: replayed)
    losses = head.loss(maps, coarse, samples(labels), None)
    head.loss_decode = head.loss_decode[:1]
    alone = head.loss(maps, coarse, samples(labels), None)
    assert set(losses) == {'loss_ce', 'loss_dice', 'acc_seg'}
    assert_same(losses['loss_ce'], 1.5 * alone['loss_ce'])


def steps_of(head, coarse_size, image_size, **test_cfg):
    """Doublings of a prediction, and its size."""
    maps, coarse, _ = random_inputs(coarse_size=coarse_size, sizes=(coarse_size,), num_images=1)
    found = []
    forward = head.forward
    head.forward = lambda *args: found.append(args[2]) or forward(*args)
    with torch.no_grad():
        size = head.predict(maps, coarse, [{'img_shape': image_size}], test_cfg).shape[2:]
    return found[0], tuple(size)


@pytest.mark.parametrize(
    ('coarse', 'image', 'align_corners', 'steps'),
    [
        ((16, 24), (64, 96), False, 2),
        ((8, 12), (64, 96), False, 3),
        ((32, 48), (64, 96), False, 1),
        ((64, 96), (64, 96), False, 0),
        ((64, 96), (32, 48), False, 0),
        ((17, 25), (65, 97), False, 2),
        ((9, 13), (65, 97), True, 3),
        ((17, 25), (65, 97), True, 2),
        ((1, 1), (32, 32), True, 5),
    ],
)
def test_refines_up_to_the_image(coarse, image, align_corners, steps):
    head = build(align_corners=align_corners)
    assert steps_of(head, coarse, image) == (steps, image)


@pytest.mark.parametrize('steps', [0, 1, 3])
def test_number_of_steps_may_be_set(steps):
    assert steps_of(build(), (16, 24), (64, 96), subdivision_steps=steps) == (steps, (64, 96))


def test_refined_maps_of_the_size_of_the_image_are_not_copied():
    maps, coarse, _ = random_inputs()
    head, refined = build(), []
    head.register_forward_hook(lambda *args: refined.append(args[-1]))
    found = head.predict(maps, coarse, META, {'subdivision_num_points': 100})
    assert found is refined[0]


@pytest.mark.parametrize('align_corners', [False, True])
def test_without_a_step_it_is_the_coarse_map_enlarged(align_corners):
    maps, coarse, _ = random_inputs()
    head = build(align_corners=align_corners)
    found = head.predict(maps, coarse, META, {'subdivision_steps': 0})
    expected = torch.nn.functional.interpolate(
        coarse, SIZE, mode='bilinear', align_corners=align_corners
    )
    assert torch.equal(found, expected)


def test_points_of_aligned_corners_are_exact_on_an_image_of_that_size():
    """A linear ramp of aligned maps is the same ramp after refinement."""
    head = build(num_classes=2, in_channels=(1,), align_corners=True)

    def ramp(height, width):
        return torch.linspace(0, 1, width).expand(1, 1, height, width)

    coarse = torch.cat((ramp(9, 13), 1 - ramp(9, 13)), 1)
    head.point_head.forward = lambda fine, coarse: torch.stack((fine[..., 0], 1 - fine[..., 0]), -1)
    meta = [{'img_shape': (65, 97)}]
    found = head.predict([ramp(17, 25)], coarse, meta, {'subdivision_num_points': 500})
    torch.testing.assert_close(found[:, :1], ramp(65, 97))


def test_coarse_logits_of_other_classes():
    maps, coarse, labels = random_inputs(num_classes=4)
    with pytest.raises(ValueError, match='gives 4 channels, but this one has 5'):
        build().loss(maps, coarse, samples(labels), None)


def test_point_head_of_other_classes():
    point_head = {'type': 'mmpointrend.StandardPointHead', 'num_classes': 4}
    with pytest.raises(ValueError, match=r'decode_head\.point_head\.num_classes is 4'):
        build(point_head=point_head)


def test_state_is_that_of_the_point_head():
    assert {key.partition('.')[0] for key in build().state_dict()} == {'point_head'}


@pytest.mark.parametrize('autocast', [True, False], ids=['autocast', 'half weights'])
def test_half_precision(autocast):
    maps, coarse, labels = random_inputs()
    maps, coarse = [level.bfloat16() for level in maps], coarse.bfloat16()
    head = build()
    with torch.no_grad():
        exact = head.predict([level.float() for level in maps], coarse.float(), META, {})
    if not autocast:
        head.bfloat16()
    with torch.autocast('cpu', torch.bfloat16, enabled=autocast):
        loss = head.loss(maps, coarse, samples(labels), None)['loss_ce']
        loss.backward()
        refined = head.predict(maps, coarse, META, {})
    assert torch.isfinite(loss)
    assert all(torch.isfinite(parameter.grad).all() for parameter in head.parameters())
    assert refined.dtype == torch.bfloat16
    assert_same(refined.float(), exact, rtol=0.05)


def test_prediction_holds_nothing_larger_than_its_result():
    maps, coarse, _ = random_inputs()
    with torch.no_grad(), TensorMeter() as meter:
        result = build().predict(maps, coarse, META, {'subdivision_num_points': 100})
    assert meter.largest == result.numel()
