"""The mask head of detectron2's PointRend; its other parts are those of Mask R-CNN."""

import torch
from detectron2.config import CfgNode, get_cfg
from detectron2.layers import ShapeSpec
from detectron2.modeling import build_mask_head, detector_postprocess
from detectron2.projects.point_rend import add_pointrend_config
from detectron2.structures import BitMasks, Boxes, Instances
from detectron2.utils.events import EventStorage
from mmdet.models.task_modules.samplers import SamplingResult
from mmengine.config import ConfigDict
from mmengine.structures import InstanceData
from torch import Tensor, nn

from .inputs import CHANNELS, STRIDES, Inputs
from .side import COARSE_SIZE, Side, draw_weights, subdivision_steps

# The logits, and those of half the side that they are interpolated from.
PLANES_PER_CLASS = 1.25
LEVEL = 'p2'


def build(config: ConfigDict, device: str) -> Side:
    """Build the mask head; see the package."""
    level = ShapeSpec(channels=CHANNELS, stride=STRIDES[0])
    head = build_mask_head(head_config(config), {LEVEL: level})
    draw_weights(head)
    # Where it stands in the whole model, and so in the names of a checkpoint.
    model = nn.ModuleDict({'roi_heads': nn.ModuleDict({'mask_head': head})})
    works = {'refinement': refinement, 'prediction': prediction, 'mask loss': mask_loss}
    return Side('detectron2', model.to(device), works)


def head_config(ours: ConfigDict) -> CfgNode:
    """The config of detectron2 with the settings of ours."""
    head, rcnn = ours.roi_head.mask_head, ours.test_cfg.rcnn
    num_classes = ours.roi_head.bbox_head.num_classes
    config = get_cfg()
    add_pointrend_config(config)
    config.MODEL.ROI_HEADS.NUM_CLASSES = num_classes
    config.MODEL.ROI_MASK_HEAD.update(
        NAME='PointRendMaskHead',
        IN_FEATURES=[LEVEL],
        POOLER_RESOLUTION=2 * COARSE_SIZE,
        CONV_DIM=head.coarse_head.conv_channels,
        NUM_FC=head.coarse_head.num_fcs,
        FC_DIM=head.coarse_head.fc_channels,
        OUTPUT_SIDE_RESOLUTION=COARSE_SIZE,
        POINT_HEAD_ON=True,
    )
    config.MODEL.POINT_HEAD.update(
        NUM_CLASSES=num_classes,
        IN_FEATURES=[LEVEL],
        NUM_FC=head.point_head.num_fcs,
        FC_DIM=head.point_head.fc_channels,
        COARSE_PRED_EACH_LAYER=True,
        TRAIN_NUM_POINTS=head.point_sampler.num_points,
        OVERSAMPLE_RATIO=head.point_sampler.oversample_ratio,
        IMPORTANCE_SAMPLE_RATIO=head.point_sampler.importance_ratio,
        SUBDIVISION_STEPS=subdivision_steps(rcnn),
        SUBDIVISION_NUM_POINTS=rcnn.subdivision_num_points,
    )
    return config


@torch.no_grad()
def detect(model: nn.Module, inputs: Inputs) -> Instances:
    """Detections with ``pred_masks``, probabilities, shape (R, 1, H, W)."""
    detections = Instances(
        inputs.size, pred_boxes=Boxes(inputs.boxes.clone()), pred_classes=inputs.labels
    )
    head = model.roi_heads.mask_head.eval()
    return head({LEVEL: inputs.first_image[0]}, [detections])[0]


def refinement(model: nn.Module, inputs: Inputs) -> Tensor:
    """Masks at the last resolution of the subdivision, shape (R, H, W)."""
    return detect(model, inputs).pred_masks[:, 0] > 0.5


@torch.no_grad()
def prediction(model: nn.Module, inputs: Inputs) -> Tensor:
    """Masks in the image, shape (R, H, W)."""
    return detector_postprocess(detect(model, inputs), *inputs.size).pred_masks


def mask_loss(model: nn.Module, inputs: Inputs) -> Tensor:
    """Losses of the coarse mask and of the points, shape (2,), after their gradients were computed
    and dropped."""
    torch.manual_seed(0)
    head = model.roi_heads.mask_head.train()
    features = {LEVEL: inputs.features[0].detach().requires_grad_()}
    with EventStorage():
        losses = head(features, list(map(with_masks, inputs.positives, inputs.truth)))
    losses = torch.stack([losses[name] for name in ('loss_mask', 'loss_mask_point')])
    losses.sum().backward()
    model.zero_grad()
    return losses.detach()


def with_masks(positives: SamplingResult, objects: InstanceData) -> Instances:
    """Regions of an image as detectron2's RoI heads hand them over, each with its object's mask."""
    masks = BitMasks(torch.from_numpy(objects.masks.masks).view(torch.bool))
    return Instances(
        tuple(masks.tensor.shape[1:]),
        proposal_boxes=Boxes(positives.pos_priors),
        gt_classes=positives.pos_gt_labels,
        gt_masks=masks.to(objects.bboxes.device)[positives.pos_assigned_gt_inds],
    )
