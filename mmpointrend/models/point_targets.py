"""What training compares with: points in regions and their labels, whatever form the masks have."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from mmdet.structures.mask import BaseInstanceMasks
from torch import Tensor

from mmpointrend.points import image_to_region, in_region, label_points, region_to_image
from mmpointrend.structures import PointMasks


class PointTargets(NamedTuple):
    """Training points of all regions of a batch.

    Attributes:
        points: Region coordinates, shape (R, P, 2), float32.
        labels: Shape (R, P), float32: 1 object, 0 background, shares between, -1 ignored.
        num_points: Points that a region really has, shape (R,); the rest of its row, up to the P of
            the batch, is filled up with ignored ones.
    """

    points: Tensor
    labels: Tensor
    num_points: Tensor


def point_targets(
    boxes: Sequence[Tensor],
    objects: Sequence[Tensor],
    masks: Sequence[BaseInstanceMasks],
    sample: Callable[[int, torch.device], Tensor] | None = None,
) -> PointTargets:
    """Collect the training points of a batch, image by image.

    An image whose masks are points gives its annotated ones; on an image with dense masks points
    are sampled and read from the masks. Both may stand in one batch.

    Args:
        boxes: Region boxes of each image in pixels, shape (R_i, 4) each.
        objects: Object of each region of each image, shape (R_i,) each.
        masks: Ground truth of each image.
        sample: Draws region coordinates (R_i, P_i, 2), given R_i and the device; only images with
            dense masks need it.

    Returns:
        The points of all R regions.
    """
    per_image = []
    for image_boxes, index, image_masks in zip(boxes, objects, masks, strict=True):
        if isinstance(image_masks, PointMasks):
            per_image.append(annotated_points(image_masks, image_boxes, index))
        else:
            points = sample(len(image_boxes), image_boxes.device)
            # One uint8 copy per object, never one per region.
            dense = image_masks.to_tensor(torch.uint8, image_boxes.device)
            labels = label_points(dense, region_to_image(points, image_boxes), index)
            per_image.append((points, labels))
    return _stack(per_image)


def annotated_points(masks: PointMasks, boxes: Tensor, objects: Tensor) -> tuple[Tensor, Tensor]:
    """Move an image's annotated points into its regions.

    Points outside of a region are ignored (Pointly-Supervised Instance Segmentation, Sec. 4.1).

    Args:
        masks: Annotated points of N objects.
        boxes: Region boxes in pixels, shape (R, 4).
        objects: Object of each region, shape (R,).

    Returns:
        Region coordinates, shape (R, P, 2), and labels, shape (R, P), float32. A point outside of
        its region is labelled -1 and moved to the middle.
    """
    annotated = masks.to_tensor(torch.float32, boxes.device)[objects]  # (R, P, 3)
    points = image_to_region(annotated[..., :2], boxes)
    inside = in_region(points)
    labels = annotated[..., 2].masked_fill(~inside, -1)
    return points.masked_fill(~inside[..., None], 0.5), labels


def _stack(per_image: list[tuple[Tensor, Tensor]]) -> PointTargets:
    width = max(labels.shape[1] for _, labels in per_image)
    points, labels, num_points = [], [], []
    for image_points, image_labels in per_image:
        count = image_labels.shape[1]
        points.append(F.pad(image_points, (0, 0, 0, width - count)))
        labels.append(F.pad(image_labels, (0, width - count), value=-1))
        num_points.append(image_labels.new_full((len(image_labels),), count))
    return PointTargets(torch.cat(points), torch.cat(labels), torch.cat(num_points))
