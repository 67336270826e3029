import pytest
import torch
from mmengine.config import ConfigDict

from mmpointrend.models import PointRendCascadeRoIHead, PointRendHTCRoIHead
from mmpointrend.models.roi_heads.mask_branch import joint_point_predictor

from .test_point_rend_roi_head import (
    DENSE,
    META,
    NO_POINTS,
    NONE,
    ONE,
    POINTED,
    both_methods,
    build,
    detections,
    mask_head,
)

every_cascade = pytest.mark.parametrize('cascade', [PointRendCascadeRoIHead, PointRendHTCRoIHead])


def build_cascade(cascade, method='pointrend', bbox_head=None, **kwargs):
    one_stage = {
        'type': 'Shared2FCBBoxHead',
        'in_channels': 16,
        'fc_out_channels': 8,
        'reg_class_agnostic': True,
    }
    mask_branch = {
        'mask_roi_extractor': {'type': 'mmpointrend.PointRoIExtractor', 'featmap_strides': [4]},
        'mask_head': mask_head(method, num_points=7),
    }
    return cascade(
        num_stages=2,
        stage_loss_weights=[1, 0.5],
        bbox_roi_extractor={
            'type': 'SingleRoIExtractor',
            'roi_layer': {'type': 'RoIAlign', 'output_size': 7},
            'out_channels': 16,
            'featmap_strides': [4],
        },
        bbox_head=bbox_head or [{**one_stage, 'num_classes': 5}, one_stage],
        test_cfg=ConfigDict(
            mask_thr_binary=0.5,
            subdivision_start=14,
            subdivision_steps=1,
            subdivision_num_points=196,
        ),
        **(mask_branch | kwargs),
    )


@every_cascade
@both_methods
def test_each_stage_trains_its_own_head(cascade, method):
    head = build_cascade(cascade, method)
    features = (torch.randn(2, 16, 16, 24),)
    for stage in range(2):
        head.zero_grad()
        batches = (([ONE, ONE], [DENSE, POINTED]), ([NONE, NONE], [NO_POINTS, NO_POINTS]))
        for sampled, instances in batches:
            losses = head.mask_loss(stage, features, sampled, instances)['loss_mask']
            sum(losses.values()).backward()
            trained = [p.grad is not None for p in head.mask_head[stage].parameters()]
            others = [p.grad is not None for p in head.mask_head[1 - stage].parameters()]
            assert all(trained) and not any(others)


@both_methods
def test_loss_of_a_stage_is_that_of_a_head_without_stages(method, monkeypatch):
    head, alone = build_cascade(PointRendCascadeRoIHead, method), build(method, num_points=7)
    alone.mask_head.load_state_dict(head.mask_head[1].state_dict())
    uniform = torch.rand(1, 21, 2)
    monkeypatch.setattr(
        torch, 'rand', lambda r, p, _, device=None: uniform[:, :p].expand(r, -1, -1)
    )
    features, sampled, instances = (torch.randn(2, 16, 16, 24),), [ONE, ONE], [DENSE, POINTED]
    losses = head.mask_loss(1, features, sampled, instances)['loss_mask']
    expected = alone.mask_loss(features, sampled, None, instances)['loss_mask']
    assert losses == expected


@every_cascade
def test_mask_of_equal_stages_is_that_of_one(cascade):
    head, alone = build_cascade(cascade).eval(), build('pointrend').eval()
    alone.test_cfg.subdivision_steps = 1
    for stage in head.mask_head:
        stage.load_state_dict(alone.mask_head.state_dict())
    features = (torch.randn(2, 16, 16, 24),)
    semantic = {'semantic_heat': None} if cascade is PointRendHTCRoIHead else {}
    with torch.no_grad():
        results = head.predict_mask(
            x=features,
            batch_img_metas=[META, META],
            results_list=detections(5, 3, 0),
            **semantic,
        )
        expected = alone.predict_mask(features, [META, META], detections(5, 3, 0))
    for image, wanted in zip(results, expected, strict=True):
        assert image.masks.shape == wanted.masks.shape
        assert (image.masks == wanted.masks).float().mean() > 0.999 or not len(image)


def test_probability_is_the_mean_of_the_stages():
    head = build_cascade(PointRendCascadeRoIHead).eval()
    boxes, labels = [torch.tensor([[4.0, 6.0, 40.0, 50.0]])], torch.tensor([3])
    features, points = (torch.randn(1, 16, 16, 24),), torch.rand(1, 9, 2)
    with torch.no_grad():
        joint = joint_point_predictor(head.bind(features, boxes), labels)(points).sigmoid()
        stages = []
        for stage in head.mask_head:
            alone = build('pointrend').eval()
            alone.mask_head.load_state_dict(stage.state_dict())
            stages.append(
                joint_point_predictor(alone.bind(features, boxes), labels)(points).sigmoid()
            )
    torch.testing.assert_close(joint, sum(stages) / 2)


SEMANTIC = {
    'semantic_roi_extractor': {
        'type': 'SingleRoIExtractor',
        'roi_layer': {'type': 'RoIAlign', 'output_size': 14},
        'out_channels': 16,
        'featmap_strides': [8],
    },
    'semantic_head': {
        'type': 'FusedSemanticHead',
        'num_ins': 1,
        'fusion_level': 0,
        'in_channels': 16,
        'conv_out_channels': 16,
        'num_classes': 4,
    },
}


def test_semantic_features_reach_the_masks():
    head = build_cascade(PointRendHTCRoIHead, **SEMANTIC)
    features, semantic = (torch.randn(1, 16, 16, 24),), torch.randn(1, 16, 8, 12)
    semantic.requires_grad_()
    losses = head.mask_loss(0, features, [ONE], [DENSE], semantic_feat=semantic)['loss_mask']
    losses['loss_mask'].backward()
    assert semantic.grad.any()
    with torch.no_grad():
        with_semantic, without = (
            head.predict_mask(features, feat, [META], detections(5, 3))[0].masks
            for feat in (semantic * 100, None)
        )
    assert (with_semantic != without).any()


def test_mask_information_flow_is_an_error():
    with pytest.raises(ValueError, match=r'mask_info_flow is True, expected False'):
        build_cascade(PointRendHTCRoIHead, mask_info_flow=True)


def test_one_number_of_classes_reaches_all_stages():
    head = build_cascade(PointRendCascadeRoIHead)
    assert [stage.num_classes for stage in head.bbox_head] == [5, 5]
    assert [stage.num_classes for stage in head.mask_head] == [5, 5]


def test_disagreeing_stages_are_an_error():
    stages = [{'type': 'Shared2FCBBoxHead', 'num_classes': number} for number in (5, 4)]
    with pytest.raises(
        ValueError,
        match=r'bbox_head\[1\]\.num_classes is 4.*bbox_head\[0\]\.num_classes is 5',
    ):
        build_cascade(PointRendCascadeRoIHead, bbox_head=stages)


def test_missing_number_of_classes_is_an_error():
    with pytest.raises(ValueError, match=r'bbox_head\[0\]\.num_classes is missing'):
        build_cascade(PointRendCascadeRoIHead, bbox_head=[{'type': 'Shared2FCBBoxHead'}] * 2)
