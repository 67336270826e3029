"""PointRend of mmdet."""

import copy

import torch
from mmdet.structures.bbox import bbox2roi
from mmengine.config import ConfigDict
from torch import Tensor, nn

from .inputs import Inputs
from .ours import WORKS, build_model
from .side import COARSE_SIZE, Side, draw_weights, subdivision_steps

# The logits, and their probabilities.
PLANES_PER_CLASS = 2


def build(config: ConfigDict, device: str) -> Side:
    """Build the whole model; see the package."""
    model = build_model(model_config(config))
    draw_weights(model.roi_head.mask_head)
    draw_weights(model.roi_head.point_head)
    return Side('mmdet', model.to(device).train(), {**WORKS, 'refinement': refinement})


def model_config(ours: ConfigDict) -> ConfigDict:
    """The config of mmdet's PointRend with the settings of ours."""
    model = copy.deepcopy(ours)
    roi_head, rcnn = model.roi_head, model.test_cfg.rcnn
    head, num_classes = roi_head.mask_head, roi_head.bbox_head.num_classes
    loss = {'type': 'CrossEntropyLoss', 'use_mask': True}
    model.type, roi_head.type = 'PointRend', 'PointRendRoIHead'
    roi_head.mask_roi_extractor = {
        'type': 'GenericRoIExtractor',
        'aggregation': 'concat',
        'roi_layer': {'type': 'SimpleRoIAlign', 'output_size': 2 * COARSE_SIZE},
        'out_channels': head.coarse_head.in_channels,
        'featmap_strides': roi_head.mask_roi_extractor.featmap_strides,
    }
    roi_head.mask_head = {
        'type': 'CoarseMaskHead',
        'num_classes': num_classes,
        'in_channels': head.coarse_head.in_channels,
        'conv_out_channels': head.coarse_head.conv_channels,
        'num_fcs': head.coarse_head.num_fcs,
        'fc_out_channels': head.coarse_head.fc_channels,
        'loss_mask': loss,
    }
    roi_head.point_head = {
        'type': 'MaskPointHead',
        'num_classes': num_classes,
        'in_channels': head.point_head.in_channels,
        'num_fcs': head.point_head.num_fcs,
        'fc_channels': head.point_head.fc_channels,
        'coarse_pred_each_layer': True,
        'loss_point': loss,
    }
    model.train_cfg.rcnn.update(
        mask_size=COARSE_SIZE,
        num_points=head.point_sampler.num_points,
        oversample_ratio=head.point_sampler.oversample_ratio,
        importance_sample_ratio=head.point_sampler.importance_ratio,
    )
    rcnn.update(subdivision_steps=subdivision_steps(rcnn), scale_factor=2)
    return model


@torch.no_grad()
def refinement(model: nn.Module, inputs: Inputs) -> Tensor:
    """Masks at the last resolution of the subdivision, shape (R, H, W)."""
    head, labels = model.roi_head, inputs.labels
    rois = bbox2roi([inputs.boxes])
    coarse = head._mask_forward(inputs.first_image, rois)['mask_preds']
    planes = head._mask_point_forward_test(inputs.first_image, rois, labels, coarse)
    return planes[torch.arange(len(labels), device=labels.device), labels] > 0
