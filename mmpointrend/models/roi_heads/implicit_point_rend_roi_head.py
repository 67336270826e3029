from collections.abc import Callable
from functools import partial

import torch
from mmdet.models.task_modules.samplers import SamplingResult
from mmdet.structures.bbox import bbox2roi
from mmdet.utils import InstanceList
from torch import Tensor

from mmpointrend.points import predict_grid, render
from mmpointrend.registry import MODELS

from ..point_targets import point_targets
from .point_standard_roi_head import PointStandardRoIHead


@MODELS.register_module()
class ImplicitPointRendRoIHead(PointStandardRoIHead):
    """A two-stage RoI head with masks that are evaluated point by point.

    It trains from dense masks, from annotated points, or from a batch with both, and treats regions
    of a batch at once; images without objects need no special care.

    Its ``mask_roi_extractor`` is a :class:`PointRoIExtractor` and its ``mask_head`` an
    :class:`ImplicitPointRendMaskHead`; arguments are those of :class:`PointStandardRoIHead`.
    """

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

        ``test_cfg`` says how: ``subdivision_start``, side of the grid that is predicted densely,
        ``subdivision_steps``, doublings after that, and ``subdivision_num_points``, points per
        step and region.

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
        predict, cfg = self.point_predictor(x, boxes, labels), self.test_cfg
        start = (cfg.subdivision_start, cfg.subdivision_start)
        planes = predict_grid(predict, len(labels), start, labels.device)
        planes = render(predict, planes, cfg.subdivision_steps, cfg.subdivision_num_points)
        return self.mask_head.predict_by_feat(
            planes.split([len(image) for image in boxes]),
            results_list,
            batch_img_metas,
            cfg,
            rescale=rescale,
        )

    def point_predictor(
        self, x: tuple[Tensor], boxes: list[Tensor], labels: Tensor
    ) -> Callable[[Tensor], Tensor]:
        """Bind the mask head to regions of a batch.

        Args:
            x: Feature maps, one per level, (N, D, H, W) each.
            boxes: Regions of each image in pixels of the input, shape (R_i, 4) each.
            labels: Class of each region of the batch, shape (R,).

        Returns:
            Maps region coordinates (R, P, 2) to the logits of the regions' classes, (R, P, 1),
            float32.
        """
        x, rois = self._mask_inputs(x, boxes)
        parameters = self._mask_forward(x, rois)['mask_preds']
        read = partial(self.mask_roi_extractor.read, x, rois)
        return self.mask_head.point_predictor(parameters, labels, read)

    def _mask_inputs(self, x: tuple[Tensor], boxes: list[Tensor]) -> tuple[list[Tensor], Tensor]:
        """Feature levels in the memory format that reading points wants, and the regions."""
        levels = x[: self.mask_roi_extractor.num_inputs]
        levels = [level.contiguous(memory_format=torch.channels_last) for level in levels]
        return levels, bbox2roi(boxes)
