import numpy as np
import torch
from mmdet.models.dense_heads import CondInstMaskHead
from mmdet.structures.mask import BitmapMasks
from mmdet.utils import InstanceList
from mmengine.config import ConfigDict
from mmengine.structures import InstanceData
from torch import Tensor

from mmpointrend.registry import MODELS
from mmpointrend.structures import PointMasks

from .image_masks import crop_to_boxes, point_loss


@MODELS.register_module()
class PointCondInstMaskHead(CondInstMaskHead):
    """CondInst's mask head that also trains from annotated points.

    On images whose masks are points, the predicted mask is interpolated at the points
    (Pointly-Supervised Instance Segmentation, Sec. 4.1); those outside of an object's box are
    ignored. On images with dense masks the loss is that of the parent class; in a batch with both,
    every prediction counts the same.

    Points say nothing about a mask outside of its box. ``crop_to_box=True`` in the model's
    ``test_cfg`` cuts predictions there; it belongs to models trained from points.

    Args:
        loss_point: Config of the loss at the points.
        **kwargs: Arguments of :class:`mmdet.models.CondInstMaskHead`.
    """

    def __init__(
        self,
        *args,
        loss_point: dict = {'type': 'mmpointrend.PointCrossEntropyLoss'},  # noqa: B006
        **kwargs,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.loss_point = MODELS.build(loss_point)

    def forward_single(self, mask_feat: Tensor, positive_info: InstanceData) -> tuple[Tensor]:
        """Predict the masks of an image.

        Args:
            mask_feat: Mask features, shape (D, H', W').
            positive_info: Predicted parameters, locations and strides of R instances.

        Returns:
            Logits, shape (R, H, W); without instances an empty tensor that still reaches every
            parameter, where the parent class gives a constant.
        """
        params = positive_info.param_preds
        if len(params):
            return super().forward_single(mask_feat, positive_info)
        factor = self.mask_feat_stride // self.mask_out_stride
        height, width = (side * factor for side in mask_feat.shape[1:])
        empty = params.sum(1)[:, None, None] * mask_feat.sum()
        return (empty.expand(-1, height, width),)

    def loss_by_feat(
        self,
        mask_preds: list[Tensor],
        batch_gt_instances: InstanceList,
        batch_img_metas: list[dict],
        positive_infos: InstanceList,
        **kwargs,
    ) -> dict[str, Tensor]:
        """Compute the mask loss.

        Args:
            mask_preds: Logits of each image, shape (R_i, H, W) each.
            batch_gt_instances: Ground truth of each image; ``masks`` dense or
                :class:`PointMasks`.
            batch_img_metas: Not used.
            positive_infos: Objects and scores of each image's predictions.
            **kwargs: Not used.

        Returns:
            ``loss_mask``.
        """
        # A zero that reaches every parameter, for a batch without objects.
        loss = sum(logits[:0].sum() for logits in mask_preds)
        total, annotated = 0, []
        for logits, instances, info in zip(
            mask_preds, batch_gt_instances, positive_infos, strict=True
        ):
            if isinstance(instances.masks, PointMasks):
                kept = self._choose(instances, info)
                annotated.append((logits[kept], info.pos_assigned_gt_inds[kept], instances))
                total += len(kept)
            else:
                logits, masks, count = self._get_targets_single(logits, instances, info)
                if count:
                    loss = loss + self.loss_mask(logits, masks, reduction_override='none').sum()
                total += count
        if annotated:
            stride = self.mask_out_stride
            # A cell stands for one pixel, number ``stride // 2`` of the ``stride`` that it covers:
            # dense masks are read there, and a prediction is enlarged from there.
            offset = stride // 2 + 0.5 - stride / 2
            planes, objects, instances = zip(*annotated, strict=True)
            loss = loss + point_loss(self.loss_point, planes, objects, instances, stride, offset)
        return {'loss_mask': loss / max(total, 1)}

    def _choose(self, gt_instances: InstanceData, positive_info: InstanceData) -> Tensor:
        """Choose the predictions of an image that are trained, at most ``max_masks_to_train`` or
        about ``topk_masks_per_img``; indices, shape (R',)."""
        # The parent class chooses among any tensors; only the masks that it reads are dense.
        objects = positive_info.pos_assigned_gt_inds
        blank = BitmapMasks(np.zeros((len(gt_instances), 1, 1), np.uint8), 1, 1)
        boxes_only = InstanceData(bboxes=gt_instances.bboxes, masks=blank)
        every = torch.arange(len(objects), device=objects.device)
        return super()._get_targets_single(every, boxes_only, positive_info)[0]

    def _predict_by_feat_single(
        self,
        mask_preds: Tensor,
        bboxes: Tensor,
        img_meta: dict,
        rescale: bool,
        cfg: ConfigDict | None = None,
    ) -> Tensor:
        """Binarise the masks of an image, and cut them to their boxes where configured."""
        # Scales the boxes in place.
        masks = super()._predict_by_feat_single(mask_preds, bboxes, img_meta, rescale, cfg)
        cfg = self.test_cfg if cfg is None else cfg
        return crop_to_boxes(masks, bboxes) if cfg.get('crop_to_box', False) else masks
