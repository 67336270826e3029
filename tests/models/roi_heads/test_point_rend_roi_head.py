from types import SimpleNamespace

import pytest
import torch
from mmdet.structures.mask import BitmapMasks
from mmengine.config import ConfigDict
from mmengine.structures import InstanceData

from mmpointrend.models import PointRendRoIHead
from mmpointrend.models.roi_heads import mask_branch
from mmpointrend.points import predict_grid, regular_grid, render
from mmpointrend.structures import PointMasks

from ...reference import assert_same, load_reference, with_our_names
from ..grids import grids_of_masks

IMPLICIT = load_reference('implicit_pointrend_mask_head')
IMPLICIT_POINTS = load_reference('point_sup_implicit_pointrend_head')
POINTREND = load_reference('pointrend_mask_head')
CASES = [
    pytest.param('pointrend', POINTREND, id='pointrend'),
    pytest.param('implicit', IMPLICIT, id='implicit-masks'),
    pytest.param('implicit', IMPLICIT_POINTS, id='implicit-points'),
]
LOSSES = {
    'pointrend': {'loss_mask': 'loss_mask', 'loss_point': 'loss_mask_point'},
    'implicit': {'loss_l2': 'loss_l2', 'loss_point': 'loss_mask_point'},
}
both_methods = pytest.mark.parametrize('method', LOSSES)


def mask_head(method, in_channels=16, num_points=196) -> dict:
    """A small mask head, of the size that the reference has."""
    point_loss = {'type': 'mmpointrend.PointCrossEntropyLoss'}
    if method == 'implicit':
        return {
            'type': 'mmpointrend.ImplicitPointRendMaskHead',
            'parameter_head': {
                'type': 'mmpointrend.ConvFCHead',
                'in_channels': in_channels,
                'conv_channels': 16,
                'fc_channels': 16,
            },
            'point_head': {
                'type': 'mmpointrend.ImplicitPointHead',
                'in_channels': in_channels,
                'fc_channels': 8,
            },
            'point_sampler': {'type': 'mmpointrend.UniformPointSampler', 'num_points': num_points},
            'loss_point': point_loss,
            'loss_parameters': {'type': 'mmpointrend.ParameterL2Loss'},
        }
    return {
        'type': 'mmpointrend.PointRendMaskHead',
        'coarse_head': {
            'type': 'mmpointrend.ConvFCHead',
            'in_channels': in_channels,
            'conv_channels': 16,
            'fc_channels': 32,
        },
        'point_head': {
            'type': 'mmpointrend.StandardPointHead',
            'in_channels': in_channels,
            'fc_channels': 16,
        },
        'point_sampler': {'type': 'mmpointrend.UncertainPointSampler', 'num_points': num_points},
        'loss_coarse': point_loss,
        'loss_point': point_loss,
    }


def build(method, num_classes=5, in_channels=16, num_points=196, strides=(4,), **overrides):
    test_cfg = ConfigDict(
        mask_thr_binary=0.5,
        subdivision_start=14,
        subdivision_steps=3,
        subdivision_num_points=196,
    )
    return PointRendRoIHead(
        bbox_roi_extractor={
            'type': 'SingleRoIExtractor',
            'roi_layer': {'type': 'RoIAlign', 'output_size': 7},
            'out_channels': in_channels,
            'featmap_strides': [4],
        },
        bbox_head={
            'type': 'Shared2FCBBoxHead',
            'in_channels': in_channels,
            'fc_out_channels': 8,
            'num_classes': num_classes,
        },
        mask_roi_extractor={'type': 'mmpointrend.PointRoIExtractor', 'featmap_strides': strides},
        mask_head={**mask_head(method, in_channels * len(strides), num_points), **overrides},
        test_cfg=test_cfg,
    )


def build_like(method, reference):
    head = build(method)
    head.test_cfg.subdivision_steps = int(reference['subdivision_steps'])
    head.mask_head.load_state_dict(with_our_names(reference['state_dict']))
    return head


def regions(instances):
    """What mmdet's sampler hands over: every object's own box, moved a little."""
    boxes = instances['proposal_boxes']
    return SimpleNamespace(
        pos_priors=boxes,
        pos_assigned_gt_inds=torch.arange(len(boxes)),
        pos_gt_labels=instances['gt_classes'],
    )


def ground_truth(instances):
    if 'gt_masks' in instances:
        height, width = instances['gt_masks'].shape[1:]
        masks = BitmapMasks(instances['gt_masks'].numpy().astype('uint8'), height, width)
    else:
        coords, labels = instances['gt_point_coords'], instances['gt_point_labels']
        masks = PointMasks(coords.numpy(), labels.numpy(), 64, 96)
    return InstanceData(masks=masks)


def replay(monkeypatch, case):
    """Let the random generator return the stored numbers."""
    draws = iter(case['rand_draws'])
    monkeypatch.setattr(torch, 'rand', lambda *size, device=None: next(draws))


@pytest.mark.parametrize(('method', 'reference'), CASES)
def test_training_matches_reference(method, reference, monkeypatch):
    cases = [case for case in reference['train'] if 'losses' in case]
    assert len(cases) >= 2
    for case in cases:
        head = build_like(method, reference)
        features = case['features']['p2'].clone().requires_grad_()
        if 'rand_draws' in case:
            replay(monkeypatch, case)
        losses = head.mask_loss(
            (features,),
            [regions(i) for i in case['instances']],
            None,
            [ground_truth(i) for i in case['instances']],
        )['loss_mask']
        assert set(losses) == set(LOSSES[method])
        for name, name_there in LOSSES[method].items():
            assert_same(losses[name], case['losses'][name_there])
        sum(losses.values()).backward()
        assert_same(features.grad, case['grads']['feat.p2'])
        parameters = dict(head.mask_head.named_parameters())
        for name, gradient in with_our_names(case['grads']).items():
            assert_same(parameters[name].grad, gradient)


@pytest.mark.parametrize(('method', 'reference'), CASES)
def test_rendering_matches_reference(method, reference, monkeypatch):
    for case in reference['inference']:
        head = build_like(method, reference)
        picked, planes = record_rendering(monkeypatch)
        detections = [
            InstanceData(bboxes=i['pred_boxes'].clone(), labels=i['pred_classes'])
            for i in case['instances']
        ]
        metas = [{'ori_shape': (64, 96), 'scale_factor': (1.0, 1.0)}] * len(detections)
        with torch.no_grad():
            head.predict_mask((case['features']['p2'],), metas, detections)
        expected = torch.cat(case['pred_masks'])
        for image, detection in zip(case['instances'], detections, strict=True):
            assert detection.masks.shape == (len(image['pred_boxes']), 64, 96)
        if len(expected):
            assert_same(planes[0].sigmoid(), expected)
            for cells, wanted in zip(picked, case['step_point_indices'], strict=True):
                assert torch.equal(cells.sort().values, wanted.sort().values)


def record_rendering(monkeypatch):
    from mmpointrend.points import subdivide

    picked, planes = [], []

    def render(predict, start, steps, num_points):
        for step in subdivide(predict, start, steps, num_points):
            picked.append(step.picked)
            last = step.planes
        planes.append(last)
        return last

    monkeypatch.setattr(mask_branch, 'render', render)
    return picked, planes


def box_regions(boxes, objects, labels):
    return SimpleNamespace(
        pos_priors=torch.as_tensor(boxes).view(-1, 4),
        pos_assigned_gt_inds=torch.tensor(objects, dtype=torch.long),
        pos_gt_labels=torch.tensor(labels, dtype=torch.long),
    )


BOX = [4.0, 6.0, 40.0, 50.0]
SQUARE = torch.zeros(1, 64, 96, dtype=torch.uint8)
SQUARE[:, 10:40, 8:30] = 1
DENSE = InstanceData(masks=BitmapMasks(SQUARE.numpy(), 64, 96))
POINTED = InstanceData(masks=PointMasks([[[10.5, 20.5], [5.5, 7.5]]], [[1, 0]], 64, 96))
NO_DENSE = InstanceData(masks=BitmapMasks([], 64, 96))
NO_POINTS = InstanceData(masks=PointMasks(torch.zeros(0, 0, 2).numpy(), [], 64, 96))
META = {'ori_shape': (64, 96), 'scale_factor': (1.0, 1.0)}
ONE, NONE = box_regions(BOX, [0], [2]), box_regions([], [], [])


@both_methods
@pytest.mark.parametrize(
    ('sampled', 'instances'),
    [
        ([ONE, NONE], [DENSE, NO_DENSE]),
        ([NONE, NONE], [NO_DENSE, NO_DENSE]),
        ([ONE, NONE], [POINTED, NO_POINTS]),
        ([NONE, NONE], [NO_POINTS, NO_POINTS]),
        ([ONE, ONE], [DENSE, POINTED]),
    ],
    ids=['masks', 'no-masks', 'points', 'no-points', 'both'],
)
def test_every_loss_reaches_every_parameter(method, sampled, instances):
    head = build(method, num_points=7)
    features = torch.randn(2, 16, 16, 24)
    losses = head.mask_loss((features,), sampled, None, instances)['loss_mask']
    assert set(losses) == set(LOSSES[method])
    assert all(loss.isfinite() for loss in losses.values())
    losses['loss_point'].backward()
    assert all(parameter.grad is not None for parameter in head.mask_head.parameters())
    assert (losses['loss_point'] > 0) == any(len(s.pos_priors) for s in sampled)


@both_methods
def test_batch_with_both_kinds_of_supervision_is_the_mean_of_its_regions(method, monkeypatch):
    head = build(method, num_points=7)
    features = (torch.randn(2, 16, 16, 24),)
    uniform = torch.rand(1, 21, 2)
    monkeypatch.setattr(
        torch, 'rand', lambda r, p, _, device=None: uniform[:, :p].expand(r, -1, -1)
    )
    both = head.mask_loss(features, [ONE, ONE], None, [DENSE, POINTED])['loss_mask']
    first = head.mask_loss(features, [ONE, NONE], None, [DENSE, NO_DENSE])['loss_mask']
    second = head.mask_loss(features, [NONE, ONE], None, [NO_POINTS, POINTED])['loss_mask']
    for name in both:
        torch.testing.assert_close(both[name], (first[name] + second[name]) / 2)


@both_methods
def test_points_on_the_grid_of_a_mask_teach_what_the_mask_teaches(method):
    head = build(method, num_points=49)
    grid = regular_grid((7, 7))
    head.mask_head.point_sampler.forward = lambda predict, num_regions, device: grid.expand(
        num_regions, -1, -1
    )
    mask = torch.rand(1, 64, 96, generator=torch.Generator().manual_seed(0)) < 0.5
    bitmaps = BitmapMasks(mask.numpy().astype('uint8'), 64, 96)
    boxes, annotated = grids_of_masks(bitmaps, 7)
    sampled = box_regions(boxes, [0], [2])
    dense, points = InstanceData(masks=bitmaps), InstanceData(masks=annotated)
    features = (torch.randn(1, 16, 16, 24),)
    from_mask = head.mask_loss(features, [sampled], None, [dense])['loss_mask']
    from_points = head.mask_loss(features, [sampled], None, [points])['loss_mask']
    for name, loss in from_mask.items():
        torch.testing.assert_close(from_points[name], loss, rtol=1e-5, atol=0)


needs_cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason='needs a GPU')


@both_methods
@pytest.mark.parametrize('half_maps', [False, True])
@pytest.mark.parametrize(
    ('device', 'half'),
    [
        ('cpu', torch.bfloat16),
        pytest.param('cuda', torch.bfloat16, marks=needs_cuda),
        pytest.param('cuda', torch.float16, marks=needs_cuda),
    ],
)
def test_half_precision_masks_agree_with_float32(method, half_maps, device, half):
    torch.manual_seed(0)
    reference = {'pointrend': POINTREND, 'implicit': IMPLICIT}[method]
    head = build_like(method, reference).to(device)
    case = reference['inference'][0]
    maps = case['features']['p2'].to(device)
    boxes = [i['pred_boxes'].to(device) for i in case['instances']]
    labels = torch.cat([i['pred_classes'] for i in case['instances']]).to(device)

    def planes(features):
        predict = mask_branch.joint_point_predictor(head.bind((features,), boxes), labels)
        return render(predict, predict_grid(predict, len(labels), (14, 14), device), 3, 196)

    with torch.no_grad():
        exact = planes(maps) > 0
        with torch.autocast(device, half):
            rounded = planes(maps.to(half) if half_maps else maps) > 0
    # Of all regions together: random weights leave a part of the logits close to 0.
    assert (exact & rounded).sum() / (exact | rounded).sum() > 0.98


@both_methods
@pytest.mark.parametrize('map_type', [torch.float32, torch.bfloat16])
def test_half_precision_losses_are_finite_and_float32(method, map_type):
    head = build(method, num_points=7)
    features = (torch.randn(2, 16, 16, 24, dtype=map_type),)
    with torch.autocast('cpu', torch.bfloat16):
        losses = head.mask_loss(features, [ONE, ONE], None, [DENSE, POINTED])['loss_mask']
    assert all(loss.isfinite() and loss.dtype == torch.float32 for loss in losses.values())


def detections(num_classes, *counts):
    """Detections of each image, all over an image of 64 x 96 pixels."""
    generator = torch.Generator().manual_seed(0)
    images = []
    for count in counts:
        corners = torch.rand(count, 2, generator=generator) * 30
        labels = torch.arange(count) % num_classes
        images.append(InstanceData(bboxes=torch.cat((corners, corners + 30), 1), labels=labels))
    return images


@both_methods
def test_regions_rendered_in_parts_are_those_rendered_at_once(method, monkeypatch):
    head = build(method).eval()
    features, metas = (torch.randn(2, 16, 16, 24),), [META, META]
    results = []
    for at_once in (2**13, 400):
        monkeypatch.setitem(mask_branch.POINTS_AT_ONCE, 'cpu', at_once)
        with torch.no_grad():
            results.append(head.predict_mask(features, metas, detections(5, 4, 3)))
    for whole, parts in zip(*results, strict=True):
        assert torch.equal(whole.masks, parts.masks)


@both_methods
@pytest.mark.parametrize('counts', [(0, 0), (0, 2), (2, 0)])
def test_images_without_detections(method, counts):
    head = build(method).eval()
    features = (torch.randn(2, 16, 16, 24),)
    with torch.no_grad():
        results = head.predict_mask(features, [META, META], detections(5, *counts))
    assert [image.masks.shape for image in results] == [(count, 64, 96) for count in counts]


@both_methods
def test_several_feature_levels(method):
    head = build(method, strides=(4, 8), num_points=7)
    features = [torch.randn(2, 16, 16, 24), torch.randn(2, 16, 8, 12)]
    for level in features:
        level.requires_grad_()
    losses = head.mask_loss(features, [ONE, ONE], None, [DENSE, POINTED])['loss_mask']
    losses['loss_point'].backward()
    assert all(level.grad.any() for level in features)
    with torch.no_grad():
        results = head.predict_mask(features, [META, META], detections(5, 2, 1))
    assert [len(image.masks) for image in results] == [2, 1]


@pytest.mark.parametrize('coarse_size', [7, 10])
def test_class_agnostic_masks_do_not_depend_on_the_class(coarse_size):
    head = build('pointrend', class_agnostic=True, coarse_size=coarse_size)
    head.init_weights()
    features = (torch.randn(2, 16, 16, 24),)
    losses = head.mask_loss(features, [ONE, ONE], None, [DENSE, POINTED])['loss_mask']
    sum(losses.values()).backward()
    assert all(parameter.grad is not None for parameter in head.mask_head.parameters())
    first, second = detections(5, 3), detections(5, 3)
    second[0].labels = second[0].labels.flip(0) + 1
    with torch.no_grad():
        for results in (first, second):
            head.predict_mask((features[0][:1],), [META], results)
    assert torch.equal(first[0].masks, second[0].masks)


@both_methods
def test_number_of_classes_comes_from_the_box_head(method):
    state = build(method, num_classes=3).mask_head.state_dict()
    if method == 'implicit':
        assert build(method, num_classes=3).mask_head.point_head.layers[-1][1] == 3
    else:
        assert len(state['point_head.predictor.weight']) == 3
        assert len(state['coarse_head.prediction.weight']) == 3 * 7 * 7


@both_methods
def test_number_of_classes_of_the_point_head_must_agree(method):
    point_head = {**mask_head(method)['point_head'], 'num_classes': 4}
    with pytest.raises(
        ValueError,
        match=r'roi_head\.mask_head\.point_head\.num_classes is 4.*mask_head\.num_classes is 5',
    ):
        build(method, point_head=point_head)


def test_point_head_cannot_be_agnostic_alone():
    point_head = {**mask_head('pointrend')['point_head'], 'class_agnostic': True}
    with pytest.raises(ValueError, match=r'point_head\.class_agnostic is True.* is False'):
        build('pointrend', point_head=point_head)
