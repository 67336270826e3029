import pytest
import torch
from mmdet.structures import DetDataSample
from mmdet.structures.mask import BitmapMasks
from mmengine.config import ConfigDict
from mmengine.structures import InstanceData

from mmpointrend.models import PointCascadeRoIHead, PointRendCascadeRoIHead, PointRendHTCRoIHead

from ..grids import grids_of_masks
from .test_point_rend_cascade_roi_head import build_cascade
from .test_point_rend_roi_head import box_regions

BOXES = torch.tensor([[8.0, 10.0, 40.0, 50.0], [30.0, 5.0, 90.0, 60.0]])


@pytest.mark.parametrize('cascade', [PointRendCascadeRoIHead, PointRendHTCRoIHead])
def test_dense_masks_are_moved_once_for_all_stages(cascade, monkeypatch):
    assigner = {
        'type': 'MaxIoUAssigner',
        'pos_iou_thr': 0.5,
        'neg_iou_thr': 0.5,
        'min_pos_iou': 0.5,
    }
    sampler = {'type': 'RandomSampler', 'num': 16, 'pos_fraction': 0.5}
    stage = ConfigDict(assigner=assigner, sampler=sampler, pos_weight=-1)
    head = build_cascade(cascade, train_cfg=[stage, stage])
    moved = []
    to_tensor = BitmapMasks.to_tensor
    monkeypatch.setattr(
        BitmapMasks, 'to_tensor', lambda *args: moved.append(args) or to_tensor(*args)
    )
    samples = []
    for _ in range(2):
        sample = DetDataSample(metainfo={'img_shape': (64, 96)})
        sample.gt_instances = InstanceData(
            bboxes=BOXES.clone(),
            labels=torch.tensor([1, 2]),
            masks=BitmapMasks(torch.ones(2, 64, 96, dtype=torch.uint8).numpy(), 64, 96),
        )
        samples.append(sample)
    proposals = [InstanceData(bboxes=BOXES + 1) for _ in range(2)]
    losses = head.loss((torch.randn(2, 16, 16, 24),), proposals, samples)
    assert {'s0.loss_point', 's1.loss_point'} <= set(losses)
    assert losses['s1.loss_point'] > 0
    assert len(moved) == 2


@pytest.mark.parametrize('stage', [0, 1])
def test_points_on_the_grid_of_masks_give_the_loss_of_the_masks(stage):
    torch.manual_seed(0)
    extractor = {
        'type': 'SingleRoIExtractor',
        'roi_layer': {'type': 'RoIAlign', 'output_size': 14},
        'out_channels': 4,
        'featmap_strides': [4],
    }
    head = build_cascade(
        PointCascadeRoIHead,
        mask_roi_extractor=extractor,
        mask_head={
            'type': 'mmpointrend.PointFCNMaskHead',
            'num_convs': 1,
            'in_channels': 4,
            'conv_out_channels': 4,
        },
    )
    head.train_cfg = [ConfigDict(mask_size=28)] * 2
    bitmaps = BitmapMasks((torch.rand(2, 64, 96) < 0.5).byte().numpy(), 64, 96)
    boxes, annotated = grids_of_masks(bitmaps, 28)
    sampled = box_regions(boxes, [0, 1], [2, 1])
    features = (torch.randn(1, 4, 16, 24),)
    from_masks, from_points = (
        head.mask_loss(stage, features, [sampled], [InstanceData(masks=masks)])['loss_mask']
        for masks in (bitmaps, annotated)
    )
    torch.testing.assert_close(from_points['loss_mask'], from_masks['loss_mask'].squeeze())
