"""What the RoI heads of this package share: a mask head bound to the regions of a batch."""

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

import torch
from mmdet.models.task_modules.samplers import SamplingResult
from mmdet.structures.bbox import bbox2roi
from mmdet.utils import InstanceList
from mmengine.config import ConfigDict
from torch import Tensor

from mmpointrend.points import RenderStep, predict_grid, render, subdivide

from ..mask_heads import BasePointMaskHead, PointFunction
from ..region_masks import RegionMasks
from .point_roi_extractor import PointRoIExtractor

# Points that are predicted at once. On a CPU their features fit its cache; on a GPU, or any other
# accelerator, they keep it busy without holding the features of all regions.
POINTS_AT_ONCE = {'cpu': 2**13, 'cuda': 2**16}


class MaskBranch(NamedTuple):
    """A mask head bound to the regions of a batch.

    Attributes:
        head: The mask head.
        read: Reads features of regions (R, 5) at points (R, P, 2).
        rois: Image index and box corners (i, x1, y1, x2, y2), shape (R, 5).
        prediction: What the head says about each region, shape (R, ...).
    """

    head: BasePointMaskHead
    read: Callable[[Tensor, Tensor], Tensor]
    rois: Tensor
    prediction: Tensor

    def point_predictor(self, labels: Tensor, part: slice = slice(None)) -> PointFunction:
        """Bind the point head to a part of the regions.

        Args:
            labels: Class of each region of the batch, shape (R,).
            part: The regions.

        Returns:
            Maps region coordinates (R', P, 2) to the logits of the regions' classes, (R', P, 1),
            float32.
        """
        rois = self.rois[part]
        return self.head.point_predictor(
            self.prediction[part], labels[part], lambda points: self.read(rois, points)
        )

    def loss(
        self, sampling_results: Sequence[SamplingResult], batch_gt_instances: InstanceList
    ) -> dict[str, Tensor]:
        """Compute the mask losses of the positive regions, whose boxes the head is bound to."""
        return self.head.loss(
            self.prediction,
            torch.cat([result.pos_gt_labels for result in sampling_results]),
            lambda points: self.read(self.rois, points),
            RegionMasks.of(sampling_results, batch_gt_instances),
        )


def bind_mask_head(
    extractor: PointRoIExtractor,
    head: BasePointMaskHead,
    x: Sequence[Tensor],
    boxes: Sequence[Tensor],
    fuse: Callable[[Tensor, Tensor], Tensor] | None = None,
) -> MaskBranch:
    """Evaluate the region-wise part of a mask head.

    Args:
        extractor: Reads the feature levels.
        head: The mask head.
        x: Feature maps, one per level, (N, D, H, W) each.
        boxes: Regions of each image in pixels of the input, shape (R_i, 4) each.
        fuse: Adds to the region features (R, D, S, S), given the regions (R, 5).
    """
    levels = channels_last(x[: extractor.num_inputs])
    rois = bbox2roi(boxes)
    features = extractor(levels, rois)
    prediction = head(features if fuse is None else fuse(features, rois))
    return MaskBranch(
        head, lambda rois, points: extractor.read(levels, rois, points), rois, prediction
    )


def channels_last(x: Sequence[Tensor]) -> list[Tensor]:
    """The maps in the memory format in which points are read without a copy."""
    return [level.contiguous(memory_format=torch.channels_last) for level in x]


def mean_predictor(predictors: Sequence[PointFunction]) -> PointFunction:
    """Average predictors: the stages of a cascade, the views of an augmented image.

    Args:
        predictors: Each maps region coordinates (R, P, 2) to logits (R, P, 1).

    Returns:
        A function of the same kind; its probability at a point is the mean of theirs.
    """
    if len(predictors) == 1:
        return predictors[0]

    def predict(points: Tensor) -> Tensor:
        total = sum(predictor(points).sigmoid() for predictor in predictors)
        return (total / len(predictors)).logit(eps=1e-6)

    return predict


def joint_point_predictor(
    branches: Sequence[MaskBranch], labels: Tensor, part: slice = slice(None)
) -> PointFunction:
    """Bind one mask head, or the stages of a cascade, to a part of the regions.

    Args:
        branches: All bound to the same regions.
        labels: Class of each region of the batch, shape (R,).
        part: The regions.

    Returns:
        As :meth:`MaskBranch.point_predictor`.
    """
    return mean_predictor([branch.point_predictor(labels, part) for branch in branches])


def subdivision_of(
    branches: Sequence[MaskBranch], labels: Tensor, cfg: ConfigDict
) -> tuple[Tensor, list[RenderStep]]:
    """Render regions and keep every step, for pictures.

    Args:
        branches: As in :func:`joint_point_predictor`.
        labels: Class of each region, shape (R,).
        cfg: As in :func:`render_regions`.

    Returns:
        The planes that are predicted densely, shape (R, 1, H, W), and the steps from there.
    """
    predict = joint_point_predictor(branches, labels)
    start = (cfg.subdivision_start, cfg.subdivision_start)
    planes = predict_grid(predict, len(labels), start, labels.device)
    steps = subdivide(predict, planes, cfg.subdivision_steps, cfg.subdivision_num_points)
    return planes, list(steps)


def predict_masks(
    branches: Sequence[MaskBranch],
    results_list: InstanceList,
    batch_img_metas: list[dict],
    cfg: ConfigDict,
    rescale: bool,
) -> InstanceList:
    """Render the masks of detections and paste them into their images.

    Args:
        branches: One mask head, or the stages of a cascade, bound to the detections.
        results_list: Detections of each image: ``bboxes`` (R_i, 4) in pixels of the input,
            ``labels`` (R_i,).
        batch_img_metas: Sizes and scale factor of each image.
        cfg: As in :func:`render_regions`, and ``mask_thr_binary``.
        rescale: Whether boxes and masks are wanted in pixels of the original image.

    Returns:
        The detections with ``masks``, boolean, shape (R_i, H, W).
    """
    labels = torch.cat([results.labels for results in results_list])
    planes = render_regions(
        partial(joint_point_predictor, branches, labels), len(labels), labels.device, cfg
    )
    return branches[-1].head.predict_by_feat(
        planes.split([len(results) for results in results_list]),
        results_list,
        batch_img_metas,
        cfg,
        rescale=rescale,
    )


def render_regions(
    bind: Callable[[slice], PointFunction],
    num_regions: int,
    device: torch.device,
    cfg: ConfigDict,
) -> Tensor:
    """Render the masks of all regions, whose points are predicted in parts of about the same size.

    Args:
        bind: Gives the point predictor of a part of the regions.
        num_regions: Number of regions R; may be zero.
        device: Where the masks live.
        cfg: ``subdivision_start``, side of the grid that is predicted densely,
            ``subdivision_steps``, doublings after that, and ``subdivision_num_points``, points per
            step and region.

    Returns:
        Logits, shape (R, 1, H, W), float32.
    """
    start, steps = cfg.subdivision_start, cfg.subdivision_steps
    points_per_region = max(start**2, cfg.subdivision_num_points)
    limit = POINTS_AT_ONCE.get(device.type, POINTS_AT_ONCE['cuda'])
    num_parts = math.ceil(num_regions * points_per_region / limit)
    num_parts = max(1, min(num_parts, num_regions))
    bounds = [num_regions * i // num_parts for i in range(num_parts + 1)]
    parts = [(bind(part), part) for part in map(slice, bounds, bounds[1:])]

    def predict(points: Tensor) -> Tensor:
        return torch.cat([predict_part(points[part]) for predict_part, part in parts])

    planes = predict_grid(predict, num_regions, (start, start), device)
    return render(predict, planes, steps, cfg.subdivision_num_points)
