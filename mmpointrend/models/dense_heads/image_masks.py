"""What heads share whose masks cover the whole image instead of a region."""

from collections.abc import Sequence

import torch
from mmdet.utils import InstanceList
from mmengine.structures import InstanceData
from torch import Tensor, nn

from mmpointrend.points import region_to_image, sample_maps
from mmpointrend.structures import PointMasks

from ..region_masks import RegionMasks


def without_points(batch_gt_instances: InstanceList) -> InstanceList:
    """Hide annotated points from code that expects dense masks wherever there are any.

    Args:
        batch_gt_instances: Ground truth of each image; ``masks`` dense or :class:`PointMasks`.

    Returns:
        The same, with ``masks`` on the images with dense ones only.
    """
    return [
        InstanceData(**{key: value for key, value in instances.items() if key != 'masks'})
        if isinstance(instances.masks, PointMasks)
        else instances
        for instances in batch_gt_instances
    ]


def point_loss(
    loss: nn.Module,
    planes: Sequence[Tensor],
    objects: Sequence[Tensor],
    gt_instances: InstanceList,
    stride: int,
    offset: float = 0,
) -> Tensor:
    """Compare masks that cover the whole image with the annotated points of their objects.

    The logits are interpolated at the points; one that lies outside of its object's box is ignored
    (Pointly-Supervised Instance Segmentation, Sec. 4.1).

    Args:
        loss: Called with logits and labels, shape (R, P), and the points of each row, shape (R,).
        planes: Logits for R_i predictions of each image, shape (R_i, H, W) each.
        objects: Object of each prediction, shape (R_i,) each.
        gt_instances: Ground truth of each image; ``masks`` are :class:`PointMasks`.
        stride: Image pixels per cell. The planes cover ``stride * W`` x ``stride * H`` pixels,
            which is not the size of the image.
        offset: Where the first cell begins, in pixels of the image, on both axes.

    Returns:
        Sum of the loss over all predictions, scalar.
    """
    boxes = [
        instances.bboxes[index] for instances, index in zip(gt_instances, objects, strict=True)
    ]
    targets = RegionMasks(boxes, objects, [i.masks for i in gt_instances]).at_points()
    maps = torch.cat(list(planes))[:, None]  # (R, 1, H, W)
    height, width = maps.shape[2:]
    x, y = (region_to_image(targets.points, torch.cat(boxes)) - offset).unbind(-1)
    points = torch.stack((x / (width * stride), y / (height * stride)), -1)
    # A prediction repeats the border, too.
    logits = sample_maps(maps, points, padding='border')[..., 0]
    return loss(logits, targets.labels, targets.num_points) * len(maps)


def crop_to_boxes(masks: Tensor, boxes: Tensor) -> Tensor:
    """Remove from masks what lies outside of their boxes.

    Args:
        masks: Shape (R, H, W), boolean.
        boxes: Corners (x1, y1, x2, y2) in pixels, shape (R, 4).

    Returns:
        The masks at those pixels whose centre is in the box.
    """
    x1, y1, x2, y2 = boxes[..., None].unbind(1)  # (R, 1) each
    y, x = (torch.arange(side, device=masks.device) + 0.5 for side in masks.shape[1:])
    columns, rows = (x1 <= x) & (x <= x2), (y1 <= y) & (y <= y2)  # (R, W), (R, H)
    return masks & columns[:, None] & rows[..., None]
