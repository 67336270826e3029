"""What training compares with: points of regions and their labels, whatever form the masks have."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from mmcv.ops import roi_align
from mmdet.models.task_modules.samplers import SamplingResult
from mmdet.structures.mask import BaseInstanceMasks
from mmdet.utils import InstanceList
from torch import Tensor

from mmpointrend.points import (
    image_to_region,
    in_region,
    label_points,
    region_to_image,
    regular_grid,
)
from mmpointrend.structures import PointMasks


class PointTargets(NamedTuple):
    """Training points of all regions of a batch.

    Attributes:
        points: Region coordinates, shape (R, P, 2), float32.
        labels: Shape (R, P), float32: 1 object, 0 background, shares between, -1 ignored.
        num_points: Points that a region really has, ignored ones among them, shape (R,); the rest
            of its row, up to the P of the batch, is filled up.
    """

    points: Tensor
    labels: Tensor
    num_points: Tensor


class RegionMasks:
    """Ground truth masks of a batch, as its regions see them.

    An image whose masks are points always gives its annotated ones; an image with dense masks is
    read wherever a head asks. Both may stand in one batch. Dense masks are moved to the device as
    uint8 when this is made, one per object and never one per region.

    Args:
        boxes: Region boxes of each image in pixels, shape (R_i, 4) each.
        objects: Object of each region of each image, shape (R_i,) each.
        masks: Ground truth of each image; dense masks may already be on the device, as a uint8
            tensor of shape (N_i, H, W).
    """

    def __init__(
        self,
        boxes: Sequence[Tensor],
        objects: Sequence[Tensor],
        masks: Sequence[BaseInstanceMasks | Tensor],
    ) -> None:
        self._boxes, self._objects = boxes, objects
        self._masks: list[Tensor | PointTargets] = []
        for image_masks, image_boxes, index in zip(masks, boxes, objects, strict=True):
            if isinstance(image_masks, PointMasks):
                # The same wherever a head asks.
                image_masks = annotated_points(image_masks, image_boxes, index)
            elif not isinstance(image_masks, Tensor):
                image_masks = image_masks.to_tensor(torch.uint8, image_boxes.device)
            self._masks.append(image_masks)

    @classmethod
    def of(
        cls, sampling_results: Sequence[SamplingResult], batch_gt_instances: InstanceList
    ) -> 'RegionMasks':
        """The masks of the positive regions that mmdet's sampler chose, image by image."""
        return cls(
            [result.pos_priors for result in sampling_results],
            [result.pos_assigned_gt_inds for result in sampling_results],
            [instances.masks for instances in batch_gt_instances],
        )

    @property
    def some_dense(self) -> bool:
        """Whether any image has dense masks."""
        return any(isinstance(masks, Tensor) for masks in self._masks)

    def at_points(self, points: Tensor | None = None) -> PointTargets:
        """Read dense masks at points.

        Args:
            points: Region coordinates, shape (R, P, 2); the rows of annotated images are not used.
                None when no image has dense masks.
        """
        parts = None if points is None else points.split([len(boxes) for boxes in self._boxes])

        def read(image: int, masks: Tensor) -> PointTargets:
            pixels = region_to_image(parts[image], self._boxes[image])
            return full_rows(parts[image], label_points(masks, pixels, self._objects[image]))

        return self._collect(read)

    def at_cells(self, size: tuple[int, int], soft: bool = False) -> PointTargets:
        """Read dense masks on a regular grid, as the targets of a predicted map.

        Args:
            size: Rows and columns of the map (H, W); P = H * W, row by row.
            soft: Whether the label of a cell is the object's share of it, or whether that is at
                least one half.
        """

        def read(image: int, masks: Tensor) -> PointTargets:
            boxes = self._boxes[image]
            labels = cell_shares(masks, boxes, self._objects[image], size).flatten(1)
            points = regular_grid(size, boxes.device).expand(len(boxes), -1, -1)
            return full_rows(points, labels if soft else (labels >= 0.5).float())

        return self._collect(read)

    def _collect(self, read: Callable[[int, Tensor], PointTargets]) -> PointTargets:
        """Points of all images; ``read`` gives those of an image with dense masks."""
        return _stack(
            [
                read(image, masks) if isinstance(masks, Tensor) else masks
                for image, masks in enumerate(self._masks)
            ]
        )


def planes_of_classes(maps: Tensor, labels: Tensor) -> Tensor:
    """Pick the plane of each region's class.

    Args:
        maps: Predicted for every class, shape (R, C, H, W).
        labels: Class of each region, shape (R,).

    Returns:
        Shape (R, 1, H, W).
    """
    return maps[torch.arange(len(labels), device=labels.device), labels][:, None]


def cell_shares(masks: Tensor, boxes: Tensor, objects: Tensor, size: tuple[int, int]) -> Tensor:
    """Shrink the part of dense masks inside regions to a small map.

    Args:
        masks: One mask per object, shape (N, H, W), uint8 in {0, 1}.
        boxes: Region boxes in pixels, shape (R, 4).
        objects: Object of each region, shape (R,).
        size: Rows and columns of the small map (h, w).

    Returns:
        The object's share of each cell, shape (R, h, w), float32 in [0, 1].
    """
    if not len(boxes):
        return boxes.new_zeros(0, *size)
    if len(masks) > len(boxes):
        # The float copy below is of the objects or of the regions, whichever are fewer.
        masks, objects = masks[objects], torch.arange(len(boxes), device=boxes.device)
    rois = torch.cat((objects[:, None].float(), boxes.float()), 1)
    return roi_align(masks[:, None].float(), rois, size, 1.0, 0, 'avg', True)[:, 0]


def annotated_points(masks: PointMasks, boxes: Tensor, objects: Tensor) -> PointTargets:
    """Move an image's annotated points into its regions.

    Points outside of a region are ignored (Pointly-Supervised Instance Segmentation, Sec. 4.1).

    Args:
        masks: Annotated points of N objects.
        boxes: Region boxes in pixels, shape (R, 4).
        objects: Object of each region, shape (R,).

    Returns:
        The points of the regions. One outside of its region is labelled -1 and moved to the middle.
    """
    annotated = masks.to_tensor(torch.float32, boxes.device)[objects]  # (R, P, 3)
    points = image_to_region(annotated[..., :2], boxes)
    inside = in_region(points)
    labels = annotated[..., 2].masked_fill(~inside, -1)
    num_points = torch.as_tensor(masks.num_points, device=boxes.device)[objects]
    return PointTargets(points.masked_fill(~inside[..., None], 0.5), labels, num_points)


def full_rows(points: Tensor, labels: Tensor) -> PointTargets:
    """Targets (R, P, 2) and (R, P) of which none only fill up a row."""
    num_points = torch.full((len(labels),), labels.shape[1], device=labels.device)
    return PointTargets(points, labels, num_points)


def _stack(per_image: list[PointTargets]) -> PointTargets:
    width = max(targets.labels.shape[1] for targets in per_image)
    points, labels = [], []
    for targets in per_image:
        missing = width - targets.labels.shape[1]
        points.append(F.pad(targets.points, (0, 0, 0, missing)))
        labels.append(F.pad(targets.labels, (0, missing), value=-1))
    num_points = torch.cat([targets.num_points for targets in per_image])
    return PointTargets(torch.cat(points), torch.cat(labels), num_points)
