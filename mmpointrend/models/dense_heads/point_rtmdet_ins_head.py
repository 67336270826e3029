from typing import NamedTuple

import torch
import torch.nn.functional as F
from mmdet.models.dense_heads import RTMDetInsHead, RTMDetInsSepBNHead
from mmdet.models.task_modules.samplers import SamplingResult
from mmdet.utils import InstanceList, reduce_mean
from mmengine.structures import InstanceData
from torch import Tensor

from mmpointrend.registry import MODELS
from mmpointrend.structures import PointMasks

from .image_masks import crop_to_boxes, point_loss, without_points


class _Prediction(NamedTuple):
    """Logits of an image, shape (R, H, W), the object of each, shape (R,), and the ground truth."""

    planes: Tensor
    objects: Tensor
    instances: InstanceData


class _StayPoints:
    """Annotated points where the parent class turns every mask into a tensor."""

    def __init__(self, masks: PointMasks) -> None:
        self.masks = masks

    def __len__(self) -> int:
        return len(self.masks)

    def to_tensor(self, dtype: torch.dtype, device: torch.device) -> PointMasks:
        return self.masks


@MODELS.register_module()
class PointRTMDetInsHead(RTMDetInsHead):
    """RTMDet-Ins's head that also trains from annotated points.

    On images whose masks are points, the predicted mask is interpolated at the points
    (Pointly-Supervised Instance Segmentation, Sec. 4.1); those outside of an object's box are
    ignored. On images with dense masks the loss is that of the parent class; in a batch with both,
    every prediction counts the same. Predictions are assigned to an object around the centroid of
    its dense mask, or the middle of its box where there are points.

    Points say nothing about a mask outside of its box. ``crop_to_box=True`` in the model's
    ``test_cfg`` cuts predictions there; it belongs to models trained from points.

    Args:
        loss_point: Config of the loss at the points.
        **kwargs: Arguments of :class:`mmdet.models.RTMDetInsHead`.
    """

    def __init__(
        self,
        *args,
        loss_point: dict = {'type': 'mmpointrend.PointCrossEntropyLoss'},  # noqa: B006
        **kwargs,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.loss_point = MODELS.build(loss_point)

    def loss_by_feat(
        self,
        cls_scores: list[Tensor],
        bbox_preds: list[Tensor],
        kernel_preds: list[Tensor],
        mask_feat: Tensor,
        batch_gt_instances: InstanceList,
        *args,
        **kwargs,
    ) -> dict:
        """Compute all losses of the head.

        Args:
            cls_scores: Scores of each level.
            bbox_preds: Boxes of each level.
            kernel_preds: Parameters of the mask convolutions of each level.
            mask_feat: Mask features, shape (N, D, H, W).
            batch_gt_instances: Ground truth of each image; ``masks`` dense or
                :class:`PointMasks`.
            *args: Further arguments of the parent class.
            **kwargs: Further arguments of the parent class.

        Returns:
            ``loss_cls``, ``loss_bbox`` and ``loss_mask``.
        """
        for instances in batch_gt_instances:
            if isinstance(instances.masks, PointMasks):
                instances.masks = _StayPoints(instances.masks)
        return super().loss_by_feat(
            cls_scores, bbox_preds, kernel_preds, mask_feat, batch_gt_instances, *args, **kwargs
        )

    def get_targets(
        self,
        cls_scores: Tensor,
        bbox_preds: Tensor,
        anchor_list: list,
        valid_flag_list: list,
        batch_gt_instances: InstanceList,
        *args,
        **kwargs,
    ) -> tuple:
        """Assign predictions to objects; arguments and result as in the parent class."""
        instances = without_points(batch_gt_instances)
        return super().get_targets(
            cls_scores, bbox_preds, anchor_list, valid_flag_list, instances, *args, **kwargs
        )

    def loss_mask_by_feat(
        self,
        mask_feats: Tensor,
        flatten_kernels: Tensor,
        sampling_results_list: list[SamplingResult],
        batch_gt_instances: InstanceList,
    ) -> Tensor:
        """Compute the mask loss.

        Args:
            mask_feats: Mask features, shape (N, D, H, W).
            flatten_kernels: Parameters of the mask convolutions of A priors, shape (N, A, K).
            sampling_results_list: Positive priors of each image and their objects.
            batch_gt_instances: Ground truth of each image; ``masks`` a boolean tensor of its M
                objects, shape (M, H', W'), or :class:`PointMasks`.

        Returns:
            Scalar; without objects a zero that still reaches every parameter.
        """
        images = [
            _Prediction(
                self._mask_predict_by_feat_single(
                    feat, kernels[result.pos_inds], result.pos_priors
                ),
                result.pos_assigned_gt_inds,
                instances,
            )
            for feat, kernels, result, instances in zip(
                mask_feats, flatten_kernels, sampling_results_list, batch_gt_instances, strict=True
            )
        ]
        annotated = [image for image in images if isinstance(image.instances.masks, PointMasks)]
        dense = [image for image in images if not isinstance(image.instances.masks, PointMasks)]
        # The same exchange between processes on each of them, whatever its images have.
        count = mask_feats.new_tensor(
            sum(len(image.planes) for image in images), dtype=torch.float32
        )
        total = reduce_mean(count).clamp(min=1).item()
        loss = mask_feats[:0].sum() + flatten_kernels[:0].sum()
        if annotated:
            # A prediction is enlarged from the same planes, in one step.
            stride = self.prior_generator.strides[0][0]
            loss = loss + point_loss(self.loss_point, *zip(*annotated, strict=True), stride) / total
        if any(len(image.planes) for image in dense):
            loss = loss + self._dense_loss(dense, total)
        return loss

    def _dense_loss(self, images: list[_Prediction], total: float) -> Tensor:
        """Sum over predictions of the parent class's loss, divided by ``total``."""
        step = self.mask_loss_stride
        planes = F.interpolate(
            torch.cat([image.planes for image in images])[None],
            scale_factor=self.prior_generator.strides[0][0] // step,
            mode='bilinear',
        )[0]
        pixels = slice(step // 2, None, step)
        targets = [image.instances.masks[:, pixels, pixels][image.objects] for image in images]
        return self.loss_mask(planes, torch.cat(targets), avg_factor=total)

    def _bbox_mask_post_process(
        self, *args, cfg: dict, img_meta: dict, rescale: bool = False, **kwargs
    ) -> InstanceData:
        """Choose an image's detections, and cut their masks to their boxes where configured."""
        results = super()._bbox_mask_post_process(
            *args, cfg=cfg, img_meta=img_meta, rescale=rescale, **kwargs
        )
        if not rescale:
            # The parent class keeps the padding of the batch.
            height, width = img_meta['img_shape'][:2]
            results.masks = results.masks[:, :height, :width]
        if cfg.get('crop_to_box', False):
            results.masks = crop_to_boxes(results.masks, results.bboxes)
        return results


@MODELS.register_module()
class PointRTMDetInsSepBNHead(RTMDetInsSepBNHead, PointRTMDetInsHead):
    """:class:`PointRTMDetInsHead` with batch normalisation of its own for each level.

    Args:
        **kwargs: Arguments of :class:`mmdet.models.RTMDetInsSepBNHead`, and ``loss_point``.
    """
