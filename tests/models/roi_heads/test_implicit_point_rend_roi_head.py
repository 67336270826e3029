from types import SimpleNamespace

import pytest
import torch
from mmdet.structures.mask import BitmapMasks
from mmengine.config import ConfigDict
from mmengine.structures import InstanceData

from mmpointrend.models import ImplicitPointRendRoIHead
from mmpointrend.points import predict_grid, render
from mmpointrend.structures import PointMasks

from ...reference import assert_same, load_reference
from ..mask_heads.test_conv_fc_head import from_reference

MASKS = load_reference('implicit_pointrend_mask_head')
POINTS = load_reference('point_sup_implicit_pointrend_head')


def build(num_classes=5, in_channels=16, num_points=196, mask_head=None):
    test_cfg = ConfigDict(
        mask_thr_binary=0.5,
        subdivision_start=14,
        subdivision_steps=3,
        subdivision_num_points=196,
    )
    return ImplicitPointRendRoIHead(
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
        mask_roi_extractor={'type': 'mmpointrend.PointRoIExtractor', 'featmap_strides': [4]},
        mask_head={
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
            'loss_point': {'type': 'mmpointrend.PointCrossEntropyLoss'},
            'loss_parameters': {'type': 'mmpointrend.ParameterL2Loss'},
            **(mask_head or {}),
        },
        test_cfg=test_cfg,
    )


def from_reference_head(state: dict) -> dict:
    prefix = 'parameter_head.'
    renamed = from_reference(
        {key.removeprefix(prefix): v for key, v in state.items() if key.startswith(prefix)}
    )
    return {
        'point_head.frequencies': state['point_head.positional_encoding_gaussian_matrix'],
        **{prefix + key: value for key, value in renamed.items()},
    }


def build_like(reference):
    head = build()
    head.test_cfg.subdivision_steps = int(reference['subdivision_steps'])
    head.mask_head.load_state_dict(from_reference_head(reference['state_dict']))
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


def replay(case):
    """A sampler that hands out the stored random numbers, image after image."""
    drawn = case['rand_draws'][0].split([len(i['gt_classes']) for i in case['instances']])
    draws = iter(drawn)
    return lambda num_regions, device: next(draws)


@pytest.mark.parametrize('reference', [MASKS, POINTS], ids=['masks', 'points'])
def test_training_matches_reference(reference):
    cases = [case for case in reference['train'] if 'losses' in case]
    assert len(cases) >= 2
    for case in cases:
        head = build_like(reference)
        features = case['features']['p2'].clone().requires_grad_()
        if 'rand_draws' in case:
            head.mask_head.point_sampler.forward = replay(case)
        results = head.mask_loss(
            (features,),
            [regions(i) for i in case['instances']],
            None,
            [ground_truth(i) for i in case['instances']],
        )
        losses = results['loss_mask']
        assert_same(losses['loss_l2'], case['losses']['loss_l2'])
        assert_same(losses['loss_point'], case['losses']['loss_mask_point'])
        sum(losses.values()).backward()
        assert_same(features.grad, case['grads']['feat.p2'])
        gradients = {
            key.removeprefix('param.parameter_head.'): value
            for key, value in case['grads'].items()
            if key.startswith('param.')
        }
        parameters = dict(head.mask_head.parameter_head.named_parameters())
        for name, gradient in from_reference(gradients).items():
            assert_same(parameters[name].grad, gradient)


@pytest.mark.parametrize('reference', [MASKS, POINTS], ids=['masks', 'points'])
def test_rendering_matches_reference(reference, monkeypatch):
    for case in reference['inference']:
        head = build_like(reference)
        picked, planes = record_rendering(head, monkeypatch)
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


def record_rendering(head, monkeypatch):
    from mmpointrend.models.roi_heads import implicit_point_rend_roi_head as module
    from mmpointrend.points import subdivide

    picked, planes = [], []

    def render(predict, start, steps, num_points):
        for step in subdivide(predict, start, steps, num_points):
            picked.append(step.picked)
            last = step.planes
        planes.append(last)
        return last

    monkeypatch.setattr(module, 'render', render)
    return picked, planes


def box_regions(boxes, objects, labels):
    return SimpleNamespace(
        pos_priors=torch.tensor(boxes).view(-1, 4),
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
ONE, NONE = box_regions(BOX, [0], [2]), box_regions([], [], [])


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
def test_every_loss_reaches_every_parameter(sampled, instances):
    head = build(num_points=7)
    features = torch.randn(2, 16, 16, 24)
    losses = head.mask_loss((features,), sampled, None, instances)['loss_mask']
    assert set(losses) == {'loss_point', 'loss_l2'}
    assert all(loss.isfinite() for loss in losses.values())
    losses['loss_point'].backward()
    assert all(parameter.grad is not None for parameter in head.mask_head.parameters())
    assert (losses['loss_point'] > 0) == any(len(s.pos_priors) for s in sampled)


def test_batch_with_both_kinds_of_supervision_is_the_mean_of_its_regions():
    head = build(num_points=7)
    features = (torch.randn(2, 16, 16, 24),)
    torch.manual_seed(3)
    both = head.mask_loss(features, [ONE, ONE], None, [DENSE, POINTED])['loss_mask']
    torch.manual_seed(3)
    first = head.mask_loss(features, [ONE, NONE], None, [DENSE, NO_DENSE])['loss_mask']
    second = head.mask_loss(features, [NONE, ONE], None, [NO_POINTS, POINTED])['loss_mask']
    mean = (first['loss_point'] + second['loss_point']) / 2
    torch.testing.assert_close(both['loss_point'], mean)


@pytest.mark.parametrize('map_type', [torch.float32, torch.bfloat16])
def test_half_precision_masks_agree_with_float32(map_type):
    torch.manual_seed(0)
    head = build_like(MASKS)
    case = MASKS['inference'][0]
    boxes = [i['pred_boxes'] for i in case['instances']]
    labels = torch.cat([i['pred_classes'] for i in case['instances']])

    def planes(features):
        predict = head.point_predictor((features,), boxes, labels)
        return render(predict, predict_grid(predict, len(labels), (14, 14)), 3, 196)

    with torch.no_grad():
        exact = planes(case['features']['p2']) > 0
        with torch.autocast('cpu', torch.bfloat16):
            rounded = planes(case['features']['p2'].to(map_type)) > 0
            losses = head.mask_loss(
                (torch.randn(2, 16, 16, 24, dtype=map_type),),
                [ONE, ONE],
                None,
                [DENSE, POINTED],
            )['loss_mask']
    overlap = (exact & rounded).flatten(1).sum(1) / (exact | rounded).flatten(1).sum(1)
    assert overlap.min() > 0.98
    assert all(loss.isfinite() and loss.dtype == torch.float32 for loss in losses.values())


def test_number_of_classes_comes_from_the_box_head():
    head = build(num_classes=3)
    assert head.mask_head.point_head.layers[-1][1] == 3
