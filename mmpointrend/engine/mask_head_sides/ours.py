"""PointRend of this package, and what it shares with mmdet's: their models have one interface."""

from collections.abc import Mapping
from functools import partial

import torch
from mmdet.registry import MODELS
from mmdet.structures import DetDataSample
from mmengine.config import ConfigDict
from mmengine.registry import DefaultScope
from mmengine.structures import InstanceData
from torch import Tensor, nn

from mmpointrend.checkpoints import rename
from mmpointrend.models.roi_heads.mask_branch import joint_point_predictor, render_regions

from .inputs import IMAGES, Inputs
from .side import Side, draw_weights

TRAINING_STEP = 'training step'


def build(config: ConfigDict, device: str, weights: Mapping[str, Tensor] | None = None) -> Side:
    """Build the model.

    Args:
        config: Config of the model.
        device: Where it lives.
        weights: Of another side, of its whole model or of a part, by its names; those of the mask
            head are drawn by default.

    Raises:
        CheckpointError: When a weight has no place in a model of ours.
    """
    model = build_model(config)
    if weights is None:
        draw_weights(model.roi_head.mask_head)
    else:
        model.load_state_dict({**model.state_dict(), **rename(weights).tensors})
    return Side('ours', model.to(device).train(), WORKS)


def build_model(config: ConfigDict) -> nn.Module:
    """Build a model of mmdet's interface."""
    with DefaultScope.overwrite_default_scope('mmdet'):
        return MODELS.build(config)


@torch.no_grad()
def refinement(model: nn.Module, inputs: Inputs) -> Tensor:
    """Masks at the last resolution of the subdivision, shape (R, H, W)."""
    head, labels = model.roi_head, inputs.labels
    bind = partial(joint_point_predictor, head.bind(inputs.first_image, [inputs.boxes]), labels)
    return render_regions(bind, len(labels), labels.device, head.test_cfg)[:, 0] > 0


@torch.no_grad()
def prediction(model: nn.Module, inputs: Inputs) -> Tensor:
    """Masks in the image, shape (R, H, W)."""
    meta = {'img_shape': inputs.size, 'ori_shape': inputs.size, 'scale_factor': (1.0, 1.0)}
    detections = InstanceData(bboxes=inputs.boxes.clone(), labels=inputs.labels)
    model.roi_head.predict_mask(inputs.first_image, [meta], [detections], rescale=True)
    return detections.masks


def mask_loss(model: nn.Module, inputs: Inputs) -> Tensor:
    """Losses of the coarse mask and of the points, shape (2,), after their gradients were computed
    and dropped."""
    torch.manual_seed(0)
    features = [level.detach().requires_grad_() for level in inputs.features]
    losses = model.roi_head.mask_loss(features, inputs.positives, None, inputs.truth)['loss_mask']
    losses = torch.stack([losses[name].mean() for name in ('loss_mask', 'loss_point')])
    losses.sum().backward()
    model.zero_grad()
    return losses.detach()


def training_step(model: nn.Module, inputs: Inputs) -> Tensor:
    """Loss of the whole model, shape (), after its gradients were computed and dropped."""
    torch.manual_seed(0)
    sizes = {'img_shape': inputs.size, 'ori_shape': inputs.size}
    samples = [DetDataSample(metainfo=sizes) for _ in range(IMAGES)]
    for sample, objects in zip(samples, inputs.truth, strict=True):
        sample.gt_instances = objects
    data = model.data_preprocessor({'inputs': inputs.images, 'data_samples': samples}, True)
    loss, _ = model.parse_losses(model(**data, mode='loss'))
    loss.backward()
    model.zero_grad()
    return loss.detach()


WORKS = {
    'refinement': refinement,
    'prediction': prediction,
    'mask loss': mask_loss,
    TRAINING_STEP: training_step,
}
