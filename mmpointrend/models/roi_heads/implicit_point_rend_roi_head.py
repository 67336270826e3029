from functools import partial

import torch
from mmdet.models.roi_heads import StandardRoIHead
from mmdet.models.task_modules.samplers import SamplingResult
from mmdet.structures.bbox import bbox2roi
from mmdet.utils import InstanceList
from torch import Tensor

from mmpointrend.registry import MODELS

from ..point_targets import point_targets


@MODELS.register_module()
class ImplicitPointRendRoIHead(StandardRoIHead):
    """mmdet's two-stage RoI head with masks that are evaluated point by point.

    It trains from dense masks, from annotated points, or from a batch with both, and treats regions
    of a batch at once; images without objects need no special care.

    Args:
        bbox_head: Config of the box head.
        mask_head: Config of an :class:`ImplicitPointRendMaskHead`. Its ``num_classes`` is that of
            the box head and need not be written twice.
        mask_roi_extractor: Config of a :class:`PointRoIExtractor`.
        **kwargs: Arguments of :class:`mmdet.models.StandardRoIHead`.

    Raises:
        ValueError: When the heads disagree about ``num_classes``.
    """

    def __init__(
        self, bbox_head: dict, mask_head: dict, mask_roi_extractor: dict, **kwargs
    ) -> None:
        num_classes = bbox_head['num_classes']
        if mask_head.get('num_classes', num_classes) != num_classes:
            raise ValueError(
                f'roi_head.mask_head.num_classes is {mask_head["num_classes"]}, but '
                f'roi_head.bbox_head.num_classes is {num_classes}: set the latter only'
            )
        super().__init__(
            bbox_head=bbox_head,
            mask_head={**mask_head, 'num_classes': num_classes},
            mask_roi_extractor=mask_roi_extractor,
            **kwargs,
        )

    def mask_loss(
        self,
        x: tuple[Tensor],
        sampling_results: list[SamplingResult],
        bbox_feats: Tensor,
        batch_gt_instances: InstanceList,
    ) -> dict:
        """Predict the masks of the positive regions and compute their losses.

        Args:
            x: Feature maps, one per level, (N, D, H, W) each.
            sampling_results: Regions of each image and their objects.
            bbox_feats: Not used.
            batch_gt_instances: Ground truth of each image; ``masks`` dense or
                :class:`~mmpointrend.structures.PointMasks`.

        Returns:
            ``loss_mask``, a dictionary of losses, beside the results of ``_mask_forward``.
        """
        boxes = [result.pos_priors for result in sampling_results]
        x, rois = self._mask_inputs(x, boxes)
        results = self._mask_forward(x, rois)
        results['loss_mask'] = self.mask_head.loss(
            results['mask_preds'],
            torch.cat([result.pos_gt_labels for result in sampling_results]),
            partial(self.mask_roi_extractor.read, x, rois),
            point_targets(
                boxes,
                [result.pos_assigned_gt_inds for result in sampling_results],
                [instances.masks for instances in batch_gt_instances],
                self.mask_head.point_sampler,
            ),
        )
        return results

    def predict_mask(
        self,
        x: tuple[Tensor],
        batch_img_metas: list[dict],
        results_list: InstanceList,
        rescale: bool = False,
    ) -> InstanceList:
        """Render the masks of detections.

        Args:
            x: Feature maps, one per level, (N, D, H, W) each.
            batch_img_metas: Sizes and scale factor of each image.
            results_list: Detections of each image: ``bboxes`` (R_i, 4) in pixels of the input,
                ``labels`` (R_i,).
            rescale: Whether boxes and masks are wanted in pixels of the original image.

        Returns:
            The detections with ``masks``, boolean, shape (R_i, H, W).
        """
        boxes = [results.bboxes for results in results_list]
        labels = torch.cat([results.labels for results in results_list])
        x, rois = self._mask_inputs(x, boxes)
        parameters = self._mask_forward(x, rois)['mask_preds']
        read = partial(self.mask_roi_extractor.read, x, rois)
        planes = self.mask_head.render(parameters, labels, read, self.test_cfg)
        return self.mask_head.predict_by_feat(
            planes.split([len(image) for image in boxes]),
            results_list,
            batch_img_metas,
            self.test_cfg,
            rescale=rescale,
        )

    def _mask_inputs(self, x: tuple[Tensor], boxes: list[Tensor]) -> tuple[list[Tensor], Tensor]:
        """Feature levels in the memory format that reading points wants, and the regions."""
        levels = x[: self.mask_roi_extractor.num_inputs]
        levels = [level.contiguous(memory_format=torch.channels_last) for level in levels]
        return levels, bbox2roi(boxes)
