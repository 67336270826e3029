from collections.abc import Sequence

import torch
from mmdet.models.roi_heads.mask_heads import FCNMaskHead
from mmdet.models.task_modules.samplers import SamplingResult
from mmdet.utils import InstanceList
from mmengine.config import ConfigDict
from torch import Tensor
from torch.nn.modules.utils import _pair

from mmpointrend.points import sample_maps
from mmpointrend.registry import MODELS
from mmpointrend.structures import PointMasks

from ..region_masks import RegionMasks, planes_of_classes


@MODELS.register_module()
class PointFCNMaskHead(FCNMaskHead):
    """Mask R-CNN's mask head that also trains from annotated points.

    On images whose masks are points, the predicted mask is interpolated at the points
    (Pointly-Supervised Instance Segmentation, Sec. 4.1). On images with dense masks the loss is
    that of the parent class; in a batch with both, every region counts the same.

    Args:
        loss_point: Config of the loss at the points.
        **kwargs: Arguments of :class:`mmdet.models.FCNMaskHead`.
    """

    def __init__(
        self,
        *args,
        loss_point: dict = {'type': 'mmpointrend.PointCrossEntropyLoss'},  # noqa: B006
        **kwargs,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.loss_point = MODELS.build(loss_point)

    def loss_and_target(
        self,
        mask_preds: Tensor,
        sampling_results: list[SamplingResult],
        batch_gt_instances: InstanceList,
        rcnn_train_cfg: ConfigDict,
    ) -> dict:
        """Compute the mask loss.

        Args:
            mask_preds: Logits, shape (R, C, H, W), or (R, 1, H, W) when class agnostic.
            sampling_results: Regions of each image and their objects.
            batch_gt_instances: Ground truth of each image; ``masks`` dense or
                :class:`PointMasks`.
            rcnn_train_cfg: ``mask_size`` of the dense targets.

        Returns:
            ``loss_mask``, a dictionary of losses.
        """
        counts = [len(result.pos_priors) for result in sampling_results]
        images = list(
            zip(mask_preds.split(counts), sampling_results, batch_gt_instances, strict=True)
        )
        annotated = [image for image in images if isinstance(image[2].masks, PointMasks)]
        dense = [image for image in images if not isinstance(image[2].masks, PointMasks)]
        total = max(len(mask_preds), 1)
        losses = []
        if annotated:
            losses.append(self._point_loss(*zip(*annotated, strict=True)) / total)
        if dense:
            logits, results, instances = zip(*dense, strict=True)
            logits = torch.cat(logits)
            target = super().loss_and_target(logits, results, instances, rcnn_train_cfg)
            # A factor of exactly 1 when there are no points.
            losses.append(target['loss_mask']['loss_mask'] * (len(logits) / total))
        return {'loss_mask': {'loss_mask': sum(losses)}}

    def get_targets(
        self,
        sampling_results: list[SamplingResult],
        batch_gt_instances: InstanceList,
        rcnn_train_cfg: ConfigDict,
    ) -> Tensor:
        """Shrink the objects' dense masks to the regions' maps.

        The parent class copies a full-size mask for every region.

        Args:
            sampling_results: As in :meth:`loss_and_target`.
            batch_gt_instances: Ground truth of each image; ``masks`` dense.
            rcnn_train_cfg: ``mask_size`` of a map, and ``soft_mask_target``, whether a cell holds
                the object's share instead of 0 or 1.

        Returns:
            Shape (R, H, W), float32.
        """
        size = _pair(rcnn_train_cfg.mask_size)
        soft = rcnn_train_cfg.get('soft_mask_target', False)
        cells = RegionMasks.of(sampling_results, batch_gt_instances).at_cells(size, soft)
        return cells.labels.unflatten(1, size)

    def _point_loss(
        self,
        logits: Sequence[Tensor],
        sampling_results: Sequence[SamplingResult],
        gt_instances: InstanceList,
    ) -> Tensor:
        """Sum over regions of the loss at annotated points."""
        planes = torch.cat(logits)
        if not self.class_agnostic:
            labels = torch.cat([result.pos_gt_labels for result in sampling_results])
            planes = planes_of_classes(planes, labels)
        targets = RegionMasks.of(sampling_results, gt_instances).at_points()
        point_logits = sample_maps(planes, targets.points)[..., 0]
        return self.loss_point(point_logits, targets.labels, targets.num_points) * len(planes)
