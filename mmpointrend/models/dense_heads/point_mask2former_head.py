from collections.abc import Callable, Sequence
from functools import partial

import torch
from mmdet.models.dense_heads import Mask2FormerHead
from mmdet.models.task_modules.samplers import SamplingResult
from mmdet.utils import InstanceList, reduce_mean
from mmengine.config import ConfigDict
from mmengine.structures import InstanceData, PixelData
from torch import Tensor

from mmpointrend.points import (
    image_to_region,
    in_region,
    region_to_image,
    sample_maps,
    uncertain_points,
    uniform_points,
)
from mmpointrend.registry import MODELS
from mmpointrend.structures import PointMasks

from ..region_masks import RegionMasks

# So sure a background that neither cross entropy nor dice can tell the point from none at all.
IGNORED_LOGIT = -1e4


@MODELS.register_module()
class PointMask2FormerHead(Mask2FormerHead):
    """Mask2Former's head that also trains from annotated points, for instance segmentation.

    Mask2Former learns masks, and matches queries with objects, at sampled points (Masked-attention
    Mask Transformer for Universal Image Segmentation, Sec. 3.3). On images whose masks are points
    both happen at the annotated ones. On images with dense masks they happen as in the parent
    class, to the same numbers; in a batch with both, every object counts the same.

    An annotated point lies inside of its object's box, and no box head keeps the mask there: a mask
    could cover the rest of the image at no cost. But the box says that nothing outside of it is the
    object. So the cross entropy of an annotated object gets a second term, the mean over points
    where the mask is uncertain, labelled background outside of the box and ignored inside. This
    term is ours: the paper on point supervision trains models that have boxes.

    Args:
        num_classes: Number of classes C, all of them things.
        loss_cls: Config of the classification loss; ``class_weight`` may be left out: 1 for each
            class and 0.1 for no object.
        loss_mask: Config of the cross entropy at the points.
        loss_dice: Config of the dice loss at the points.
        num_background_points: Points for each annotated object, in the whole image, that teach what
            is outside of its box; 0 for none.
        **kwargs: Other arguments of :class:`mmdet.models.Mask2FormerHead`.
    """

    def __init__(
        self,
        num_classes: int,
        loss_cls: dict,
        loss_mask: dict = {'type': 'mmpointrend.PointCrossEntropyLoss', 'loss_weight': 5.0},  # noqa: B006
        loss_dice: dict = {  # noqa: B006
            'type': 'mmpointrend.PointDiceLoss',
            'naive_dice': True,
            'eps': 1.0,
            'loss_weight': 5.0,
        },
        num_background_points: int = 196,
        **kwargs,
    ) -> None:
        super().__init__(
            num_things_classes=num_classes,
            num_stuff_classes=0,
            loss_cls=ConfigDict({'class_weight': [1.0] * num_classes + [0.1], **loss_cls}),
            loss_mask=loss_mask,
            loss_dice=loss_dice,
            **kwargs,
        )
        self.num_background_points = num_background_points
        if self.train_cfg:
            costs = self.assigner.match_costs
            self.assigner.match_costs = [partial(_cost_at_own_points, cost) for cost in costs]

    def preprocess_gt(
        self,
        batch_gt_instances: InstanceList,
        batch_gt_semantic_segs: Sequence[PixelData | None],
    ) -> InstanceList:
        """Move the ground truth to the device, once for all decoder layers.

        Args:
            batch_gt_instances: Ground truth of each image; ``masks`` dense or
                :class:`PointMasks`.
            batch_gt_semantic_segs: Not used.

        Returns:
            ``bboxes``, ``labels`` and ``masks`` of each image; dense masks as a uint8 tensor of
            shape (N, H, W).
        """
        return [
            InstanceData(
                bboxes=instances.bboxes,
                labels=instances.labels,
                masks=instances.masks
                if isinstance(instances.masks, PointMasks)
                else instances.masks.to_tensor(torch.uint8, instances.labels.device),
            )
            for instances in batch_gt_instances
        ]

    @torch.no_grad()
    def _get_targets_single(
        self, cls_score: Tensor, mask_pred: Tensor, gt_instances: InstanceData, img_meta: dict
    ) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, SamplingResult]:
        """Match the queries of an image with its objects.

        Args:
            cls_score: Logits of the classes and of no object, shape (Q, C + 1).
            mask_pred: Logits of the masks, shape (Q, h, w).
            gt_instances: As :meth:`preprocess_gt` returns them.
            img_meta: ``batch_input_shape``, which the masks cover.

        Returns:
            As the parent class, but for the third item, which has the objects of the matched
            queries, shape (N,), and not a copy of their masks.
        """
        boxes = _input_box(img_meta, mask_pred).expand(len(gt_instances), -1)
        objects = torch.arange(len(gt_instances), device=mask_pred.device)
        points = uniform_points(1, self.num_points, mask_pred.device)
        targets = RegionMasks([boxes], [objects], [gt_instances.masks]).at_points(
            points.expand(len(gt_instances), -1, -1)
        )
        own_points = isinstance(gt_instances.masks, PointMasks)
        if own_points:
            points = targets.points.reshape(1, -1, 2)  # (1, N * P, 2)
        logits = _read(mask_pred, points.expand(len(mask_pred), -1, -1))
        if own_points:
            logits = logits.unflatten(1, targets.labels.shape)  # (Q, N, P)
            logits = logits.masked_fill(targets.labels < 0, IGNORED_LOGIT)

        predicted = InstanceData(scores=cls_score, masks=logits)
        annotated = InstanceData(labels=gt_instances.labels, masks=targets.labels.clamp(min=0))
        assigned = self.assigner.assign(predicted, annotated, img_meta)
        sampled = self.sampler.sample(assigned, predicted, annotated)
        matched, objects = sampled.pos_inds, sampled.pos_assigned_gt_inds
        labels = objects.new_full((len(cls_score),), self.num_classes)
        labels[matched] = gt_instances.labels[objects]
        mask_weights = mask_pred.new_zeros(len(mask_pred))
        mask_weights[matched] = 1
        return (
            labels,
            torch.ones_like(labels),
            objects,
            mask_weights,
            matched,
            sampled.neg_inds,
            sampled,
        )

    def _loss_by_feat_single(
        self,
        cls_scores: Tensor,
        mask_preds: Tensor,
        batch_gt_instances: InstanceList,
        batch_img_metas: Sequence[dict],
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Compute the losses of one decoder layer.

        Args:
            cls_scores: Logits of the classes and of no object, shape (B, Q, C + 1), B images.
            mask_preds: Logits of the masks, shape (B, Q, h, w).
            batch_gt_instances: As :meth:`preprocess_gt` returns them.
            batch_img_metas: ``batch_input_shape``, which the masks cover.

        Returns:
            Loss of the classes, cross entropy and dice of the masks.
        """
        labels, label_weights, objects, mask_weights, num_masks = self.get_targets(
            list(cls_scores), list(mask_preds), batch_gt_instances, batch_img_metas
        )
        labels = torch.cat(labels)
        loss_cls = self.loss_cls(
            cls_scores.flatten(0, 1),
            labels,
            torch.cat(label_weights),
            avg_factor=cls_scores.new_tensor(self.class_weight)[labels].sum(),
        )

        planes = mask_preds[torch.stack(mask_weights) > 0]  # (R, h, w), the matched queries
        inputs = [
            _input_box(meta, planes).expand(len(image_objects), -1)
            for meta, image_objects in zip(batch_img_metas, objects, strict=True)
        ]
        masks = RegionMasks(inputs, objects, [image.masks for image in batch_gt_instances])
        targets = masks.at_points(self._draw(planes, self.num_points) if masks.some_dense else None)
        logits = _read(planes, targets.points)
        loss_mask, loss_dice = (
            loss(logits, targets.labels, targets.num_points) * len(planes)
            for loss in (self.loss_mask, self.loss_dice)
        )
        annotated = [
            (image_planes, image_inputs, image.bboxes[image_objects])
            for image_planes, image_inputs, image, image_objects in zip(
                planes.split([len(image_objects) for image_objects in objects]),
                inputs,
                batch_gt_instances,
                objects,
                strict=True,
            )
            if isinstance(image.masks, PointMasks)
        ]
        if annotated and self.num_background_points:
            background = self._background_loss(*map(torch.cat, zip(*annotated, strict=True)))
            loss_mask = loss_mask + background
        num_masks = reduce_mean(loss_mask.new_tensor(float(num_masks))).clamp(min=1)
        return loss_cls, loss_mask / num_masks, loss_dice / num_masks

    def _background_loss(self, planes: Tensor, inputs: Tensor, boxes: Tensor) -> Tensor:
        """Sum over objects of the cross entropy outside of their boxes.

        Args:
            planes: Logits of the matched queries, shape (R, h, w).
            inputs: The whole input that each of them covers, as a box in pixels, shape (R, 4).
            boxes: Box of the object of each query in pixels, shape (R, 4).
        """
        points = self._draw(planes, self.num_background_points)
        inside = in_region(image_to_region(region_to_image(points, inputs), boxes))
        labels = torch.zeros_like(points[..., 0]).masked_fill(inside, -1)
        return self.loss_mask(_read(planes, points), labels) * len(planes)

    def _draw(self, planes: Tensor, num_points: int) -> Tensor:
        """Draw points (R, P, 2) in [0, 1]^2 where the logits (R, h, w) are uncertain."""
        return uncertain_points(
            lambda points: _read(planes, points)[..., None],
            len(planes),
            num_points,
            self.oversample_ratio,
            self.importance_sample_ratio,
            planes.device,
        )


def _cost_at_own_points(
    cost: Callable[..., Tensor],
    pred_instances: InstanceData,
    gt_instances: InstanceData,
    img_meta: dict,
) -> Tensor:
    """Compute a matching cost where each object may have points of its own.

    mmdet's costs read all Q queries and N objects at the same P points. Where each object has its
    own, a query counts as N predictions, one at the points of each object. All of them are compared
    with all objects, and what belongs together is kept.

    Args:
        cost: The cost.
        pred_instances: ``scores`` (Q, C + 1); ``masks``, logits (Q, P) or (Q, N, P).
        gt_instances: ``labels`` (N,); ``masks``, labels at the points (N, P).
        img_meta: Handed on.

    Returns:
        Cost of each query for each object, shape (Q, N).
    """
    if pred_instances.masks.ndim == 2:
        return cost(pred_instances=pred_instances, gt_instances=gt_instances, img_meta=img_meta)
    num_queries, num_objects, _ = pred_instances.masks.shape
    pairs = InstanceData(
        scores=pred_instances.scores.repeat_interleave(num_objects, 0),
        masks=pred_instances.masks.flatten(0, 1),
    )
    costs = cost(pred_instances=pairs, gt_instances=gt_instances, img_meta=img_meta)
    return costs.view(num_queries, num_objects, num_objects).diagonal(dim1=1, dim2=2)


def _input_box(img_meta: dict, like: Tensor) -> Tensor:
    """The padded input as a box in pixels, shape (4,), float32."""
    height, width = img_meta['batch_input_shape']
    return torch.tensor([0.0, 0.0, width, height], device=like.device)


def _read(planes: Tensor, points: Tensor) -> Tensor:
    """Read logits (R, h, w) at points (R, P, 2) in [0, 1]^2 of them; returns (R, P)."""
    return sample_maps(planes[:, None], points)[..., 0]
