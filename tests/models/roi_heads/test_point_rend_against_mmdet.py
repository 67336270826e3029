"""mmdet's own PointRend, with the same weights and the same points."""

import pytest
import torch
from mmdet.models.roi_heads import PointRendRoIHead as MMDetRoIHead
from mmdet.structures.mask import BitmapMasks
from mmengine.config import ConfigDict
from mmengine.structures import InstanceData

from mmpointrend.checkpoints import rename

from .test_point_rend_roi_head import META, build, detections, regions

CHANNELS = 16
TEST_CFG = {
    # From 7 x 7 to 112 x 112; the steps up to 14 x 14 predict every cell and are skipped.
    'subdivision_steps': 4,
    'subdivision_num_points': 196,
    'scale_factor': 2,
    'mask_thr_binary': 0.5,
}
TRAIN_CFG = {
    'mask_size': 7,
    'num_points': 196,
    'oversample_ratio': 3,
    'importance_sample_ratio': 0.75,
    'assigner': {
        'type': 'MaxIoUAssigner',
        'pos_iou_thr': 0.5,
        'neg_iou_thr': 0.5,
        'min_pos_iou': 0.5,
    },
    'sampler': {'type': 'RandomSampler', 'num': 8, 'pos_fraction': 0.5},
}


# With more classes than the 49 cells of a coarse mask, the point head meets the cells first.
@pytest.fixture(params=[5, 80])
def num_classes(request):
    return request.param


@pytest.fixture
def heads(num_classes):
    """mmdet's RoI head and ours, with the same random weights in both mask heads."""
    torch.manual_seed(0)
    extractor = {
        'type': 'SingleRoIExtractor',
        'roi_layer': {'type': 'RoIAlign', 'output_size': 7},
        'out_channels': CHANNELS,
        'featmap_strides': [4],
    }
    theirs = MMDetRoIHead(
        bbox_roi_extractor=extractor,
        bbox_head={
            'type': 'Shared2FCBBoxHead',
            'in_channels': CHANNELS,
            'fc_out_channels': 8,
            'num_classes': num_classes,
        },
        mask_roi_extractor={
            'type': 'GenericRoIExtractor',
            'aggregation': 'concat',
            'roi_layer': {'type': 'SimpleRoIAlign', 'output_size': 14},
            'out_channels': CHANNELS,
            'featmap_strides': [4],
        },
        mask_head={
            'type': 'CoarseMaskHead',
            'num_fcs': 2,
            'in_channels': CHANNELS,
            'conv_out_channels': 16,
            'fc_out_channels': 32,
            'num_classes': num_classes,
            'loss_mask': {'type': 'CrossEntropyLoss', 'use_mask': True},
        },
        point_head={
            'type': 'MaskPointHead',
            'num_fcs': 3,
            'in_channels': CHANNELS,
            'fc_channels': 16,
            'num_classes': num_classes,
            'coarse_pred_each_layer': True,
        },
        train_cfg=ConfigDict(TRAIN_CFG),
        test_cfg=ConfigDict(TEST_CFG),
    )
    ours = build('pointrend', num_classes, CHANNELS)
    ours.mask_head.load_state_dict(copy_weights(theirs))
    return theirs.eval(), ours.eval()


def copy_weights(theirs) -> dict:
    """Draw the weights of mmdet's mask and point head, and return them under our names."""
    for part in (theirs.mask_head, theirs.point_head):
        for parameter in part.parameters():
            torch.nn.init.normal_(parameter, std=0.3)
    state = {
        f'roi_head.{key}': value
        for key, value in theirs.state_dict().items()
        if key.startswith(('mask_head.', 'point_head.'))
    }
    renamed = rename(state).tensors
    return {key.removeprefix('roi_head.mask_head.'): value for key, value in renamed.items()}


def batch(num_classes):
    """Regions and ground truth of two images."""
    generator = torch.Generator().manual_seed(1)
    sampled, instances = [], []
    for image in detections(num_classes, 3, 2):
        dense = torch.rand(len(image), 64, 96, generator=generator) < 0.5
        result = regions({'proposal_boxes': image.bboxes, 'gt_classes': image.labels})
        result.pos_bboxes = image.bboxes
        sampled.append(result)
        instances.append(InstanceData(masks=BitmapMasks(dense.numpy().astype('uint8'), 64, 96)))
    return sampled, instances


def test_losses_and_gradients_are_the_same(heads, num_classes):
    results = []
    for head in heads:
        features = torch.randn(2, CHANNELS, 16, 24, generator=torch.Generator().manual_seed(2))
        features.requires_grad_()
        torch.manual_seed(3)  # both draw the same points
        sampled, instances = batch(num_classes)
        losses = head.mask_loss((features,), sampled, None, instances)['loss_mask']
        (losses['loss_mask'].sum() + losses['loss_point']).backward()
        results.append((losses, features.grad))
    (their_losses, their_grad), (our_losses, our_grad) = results
    for name, loss in our_losses.items():
        torch.testing.assert_close(loss, their_losses[name].squeeze(), rtol=1e-5, atol=0)
    torch.testing.assert_close(our_grad, their_grad, rtol=1e-4, atol=1e-6)


def test_masks_are_the_same_but_for_ties(heads, num_classes):
    features = torch.randn(2, CHANNELS, 16, 24, generator=torch.Generator().manual_seed(2))
    with torch.no_grad():
        theirs, ours = (
            head.predict_mask((features,), [META, META], detections(num_classes, 3, 2))
            for head in heads
        )
    for their_image, our_image in zip(theirs, ours, strict=True):
        assert (their_image.masks == our_image.masks).float().mean() > 0.9999
