from collections.abc import Sequence

import torch
from mmdet.models.test_time_augs import DetTTAModel
from mmdet.structures import DetDataSample, SampleList
from mmdet.structures.bbox import bbox_flip
from mmengine.config import ConfigDict
from torch import Tensor

from mmpointrend.registry import MODELS

from .mask_heads import PointFunction
from .roi_heads.mask_branch import mean_predictor, render_regions

FLIPPED_AXES = {
    None: (False, False),
    'horizontal': (True, False),
    'vertical': (False, True),
    'diagonal': (True, True),
}


@MODELS.register_module()
class PointTTAModel(DetTTAModel):
    """Test-time augmentation of two-stage models whose masks are evaluated point by point.

    Boxes are merged as in the parent class. A mask is rendered once, of the merged box, from the
    mean probability of all views at each point; the parent class has no masks.

    Args:
        tta_cfg: How boxes are merged: ``nms``, config of the suppression, and ``max_per_img``.
        **kwargs: ``module``, the model or its config.

    Raises:
        TypeError: When the model's RoI head has no masks of that kind, or a semantic branch.
    """

    def __init__(self, tta_cfg: dict, **kwargs) -> None:
        super().__init__(tta_cfg=ConfigDict(tta_cfg), **kwargs)
        roi_head = getattr(self.module, 'roi_head', None)
        if not hasattr(roi_head, 'bind') or getattr(roi_head, 'with_semantic', False):
            raise TypeError(
                'tta_model PointTTAModel expects model.roi_head to be a PointRendRoIHead, a '
                'PointRendCascadeRoIHead, or a PointRendHTCRoIHead without semantic branch, found '
                f'{type(roi_head).__name__}'
            )

    @torch.no_grad()
    def test_step(self, data: dict) -> SampleList:
        """Predict a batch.

        Args:
            data: ``inputs`` and ``data_samples``, each a list of views of lists of images.

        Returns:
            One sample for each image, with ``pred_instances`` in pixels of the original image.
        """
        views = [
            self._predict_boxes({key: value[view] for key, value in data.items()})
            for view in range(len(data['inputs']))
        ]
        metas = [[sample.metainfo for sample in samples] for _, samples in views]
        merged = self.merge_preds(list(zip(*(samples for _, samples in views), strict=True)))
        self._predict_masks([x for x, _ in views], metas, merged)
        return merged

    def _predict_boxes(self, batch: dict) -> tuple[Sequence[Tensor], list[DetDataSample]]:
        """Feature maps of one view of all images, and samples with boxes."""
        model = self.module
        batch = model.data_preprocessor(batch, False)
        x, samples = model.extract_feat(batch['inputs']), batch['data_samples']
        proposals = model.rpn_head.predict(x, samples, rescale=False)
        results = model.roi_head.predict_bbox(
            x,
            [sample.metainfo for sample in samples],
            proposals,
            rcnn_test_cfg=model.roi_head.test_cfg,
            rescale=True,
        )
        return x, model.add_pred_to_datasample(samples, results)

    def _predict_masks(
        self, features: list[Sequence[Tensor]], metas: list[list[dict]], merged: SampleList
    ) -> None:
        """Add masks to the merged boxes."""
        roi_head = self.module.roi_head
        results = [sample.pred_instances for sample in merged]
        counts = [len(instances) for instances in results]
        labels = torch.cat([instances.labels for instances in results])
        branches = []
        for x, view in zip(features, metas, strict=True):
            boxes = [
                box_of_view(instances.bboxes, meta)
                for instances, meta in zip(results, view, strict=True)
            ]
            axes = [FLIPPED_AXES[meta.get('flip_direction')] for meta in view]
            flipped = torch.tensor(axes).repeat_interleave(torch.tensor(counts), 0)
            flipped = flipped.to(labels.device)
            branches += [(branch, flipped) for branch in roi_head.bind(x, boxes)]

        def bind(part: slice) -> PointFunction:
            return mean_predictor(
                [
                    flip_points(branch.point_predictor(labels, part), flipped[part])
                    for branch, flipped in branches
                ]
            )

        planes = render_regions(bind, len(labels), labels.device, roi_head.test_cfg)
        branches[-1][0].head.predict_by_feat(
            planes.split(counts),
            results,
            [{**sample.metainfo, 'scale_factor': (1.0, 1.0)} for sample in merged],
            roi_head.test_cfg,
            rescale=True,
        )


def box_of_view(boxes: Tensor, meta: dict) -> Tensor:
    """Move boxes (R, 4) from the original image to a view of it."""
    boxes = boxes * boxes.new_tensor(meta['scale_factor']).repeat(2)
    direction = meta.get('flip_direction')
    return boxes if direction is None else bbox_flip(boxes, meta['img_shape'], direction)


def flip_points(predict: PointFunction, flipped: Tensor) -> PointFunction:
    """Let a predictor of flipped regions take points of the regions as they were.

    Args:
        predict: Maps region coordinates (R, P, 2) to logits (R, P, 1).
        flipped: Whether x and y of each region are flipped, shape (R, 2).
    """
    return lambda points: predict(torch.where(flipped[:, None], 1 - points, points))
