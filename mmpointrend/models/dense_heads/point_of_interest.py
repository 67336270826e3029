"""What the box heads of PointINS share: an instance knows the location that it was predicted at."""

import torch
from mmdet.models.utils import filter_scores_and_topk
from mmdet.utils import InstanceList
from mmengine.config import ConfigDict
from mmengine.structures import InstanceData
from torch import Tensor


class PointOfInterestMixin:
    """Makes a dense box head of mmdet carry points of interest through its loss and through NMS.

    A point of interest (PoI) is a location on the feature levels of an image, counted level by
    level and row by row. A slot is one of the A boxes that are predicted there. mmdet counts priors
    location by location, so prior i is slot i % A of PoI i // A. Positives and detections get both
    as ``pois`` and ``slots``, int64, shape (R,).

    mmdet's targets tell the class that a prior learns, not the object. The indices of its sampling
    results count only the priors inside of an image, which shifts them in a batch of images of
    different size. So the targets are computed for classes that name the objects
    (:meth:`_objects_as_classes`), and translated back (:meth:`_positives_of`).
    """

    def loss_by_feat(self, *args, **kwargs) -> dict[str, Tensor]:
        """Compute the losses of the box head, and remember its positives."""
        self._positives: InstanceList = []
        return super().loss_by_feat(*args, **kwargs)

    def get_positive_infos(self) -> InstanceList:
        """The positives of the last loss, image by image.

        Returns:
            ``pois``, ``slots``, ``objects`` (index of the ground truth), ``bboxes`` (its box) and
            ``weights`` (in the loss of the mask) of each image.
        """
        return self._positives

    def _objects_as_classes(self, gt_instances: InstanceData) -> InstanceData:
        """The boxes of N objects, with labels beyond ``num_classes``, which is the background."""
        names = torch.arange(len(gt_instances), device=gt_instances.labels.device)
        return InstanceData(bboxes=gt_instances.bboxes, labels=self.num_classes + 1 + names)

    def _positives_of(
        self, names: Tensor, gt_instances: InstanceData
    ) -> tuple[Tensor, Tensor, InstanceData]:
        """Translate targets for objects into targets for classes.

        Args:
            names: Labels of all L priors of an image, computed for :meth:`_objects_as_classes`.
            gt_instances: Ground truth of the image.

        Returns:
            Labels of classes, shape (L,); priors with an object, shape (R,); what
            :meth:`get_positive_infos` says about them, without ``weights``.
        """
        priors = (names > self.num_classes).nonzero()[:, 0]
        objects = names[priors] - (self.num_classes + 1)
        labels = names.index_fill(0, priors, self.num_classes)
        labels[priors] = gt_instances.labels[objects]
        return (
            labels,
            priors,
            InstanceData(
                **self._places(priors), objects=objects, bboxes=gt_instances.bboxes[objects]
            ),
        )

    def _places(self, priors: Tensor) -> dict[str, Tensor]:
        slots = self.num_base_priors
        return {'pois': priors // slots, 'slots': priors % slots}

    def _predict_by_feat_single(
        self,
        cls_score_list: list[Tensor],
        bbox_pred_list: list[Tensor],
        score_factor_list: list[Tensor | None],
        mlvl_priors: list[Tensor],
        img_meta: dict,
        cfg: ConfigDict | None,
        rescale: bool = False,
        with_nms: bool = True,
    ) -> InstanceData:
        """Detect the objects of an image, as the parent class does, with their places.

        Args:
            cls_score_list: Logits of the classes of each level, shape (A * C, H, W) each.
            bbox_pred_list: Encoded boxes of each level, shape (A * 4, H, W) each.
            score_factor_list: Logits of what scores are multiplied with, (A, H, W), or None each.
            mlvl_priors: Priors of each level, H * W * A of them.
            img_meta: ``img_shape``, and ``scale_factor`` where boxes are rescaled.
            cfg: ``score_thr``, ``nms_pre``, ``nms``, ``max_per_img``; None for ``test_cfg``.
            rescale: Whether boxes are wanted in pixels of the original image.
            with_nms: Whether to suppress duplicates.

        Returns:
            ``bboxes``, ``scores``, ``labels``, ``pois`` and ``slots``.
        """
        cfg = self.test_cfg if cfg is None else cfg
        levels, first = [], 0
        for cls_scores, bbox_preds, factors, priors in zip(
            cls_score_list, bbox_pred_list, score_factor_list, mlvl_priors, strict=True
        ):
            logits = _rows(cls_scores, self.cls_out_channels)
            scores = logits.sigmoid() if self.use_sigmoid_cls else logits.softmax(-1)[:, :-1]
            scores, labels, kept, _ = filter_scores_and_topk(
                scores, cfg.get('score_thr', 0), cfg.get('nms_pre', -1)
            )
            boxes = _rows(bbox_preds, self.bbox_coder.encode_size)[kept]
            level = InstanceData(
                bboxes=self.bbox_coder.decode(priors[kept], boxes, max_shape=img_meta['img_shape']),
                scores=scores,
                labels=labels,
                **self._places(first + kept),
            )
            if factors is not None:
                level.score_factors = _rows(factors, 1)[kept, 0].sigmoid()
            levels.append(level)
            first += len(priors)
        return self._bbox_post_process(
            InstanceData.cat(levels), cfg, rescale=rescale, with_nms=with_nms, img_meta=img_meta
        )


def _rows(maps: Tensor, width: int) -> Tensor:
    """A row for each prior, (H * W * A, D), from the predictions of a level (A * D, H, W)."""
    return maps.permute(1, 2, 0).reshape(-1, width)
