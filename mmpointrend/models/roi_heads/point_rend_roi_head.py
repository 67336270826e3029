from collections.abc import Sequence

from mmdet.models.task_modules.samplers import SamplingResult
from mmdet.utils import InstanceList
from torch import Tensor

from mmpointrend.registry import MODELS

from .mask_branch import MaskBranch, bind_mask_head, predict_masks
from .point_standard_roi_head import PointStandardRoIHead


@MODELS.register_module()
class PointRendRoIHead(PointStandardRoIHead):
    """A two-stage RoI head with masks that are evaluated point by point: PointRend, Implicit
    PointRend.

    It trains from dense masks, from annotated points, or from a batch with both, and treats regions
    of a batch at once; images without objects need no special care.

    Its ``mask_roi_extractor`` is a :class:`PointRoIExtractor` and its ``mask_head`` a
    :class:`PointRendMaskHead` or :class:`ImplicitPointRendMaskHead`; arguments are those of
    :class:`PointStandardRoIHead`. ``test_cfg`` says how masks are rendered:
    ``subdivision_start``, side of the grid that is predicted densely, ``subdivision_steps``,
    doublings after that, and ``subdivision_num_points``, points per step and region.
    """

    def mask_loss(
        self,
        x: Sequence[Tensor],
        sampling_results: list[SamplingResult],
        bbox_feats: Tensor,
        batch_gt_instances: InstanceList,
    ) -> dict:
        """Compute the mask losses of the positive regions.

        Args:
            x: Feature maps, one per level, (N, D, H, W) each.
            sampling_results: Regions of each image and their objects.
            bbox_feats: Not used.
            batch_gt_instances: Ground truth of each image; ``masks`` dense or
                :class:`~mmpointrend.structures.PointMasks`.

        Returns:
            ``loss_mask``, a dictionary of losses.
        """
        (branch,) = self.bind(x, [result.pos_priors for result in sampling_results])
        return {'loss_mask': branch.loss(sampling_results, batch_gt_instances)}

    def predict_mask(
        self,
        x: Sequence[Tensor],
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
        branches = self.bind(x, [results.bboxes for results in results_list])
        return predict_masks(branches, results_list, batch_img_metas, self.test_cfg, rescale)

    def bind(self, x: Sequence[Tensor], boxes: Sequence[Tensor]) -> list[MaskBranch]:
        """Bind the mask head to regions.

        Args:
            x: Feature maps, one per level, (N, D, H, W) each.
            boxes: Regions of each image in pixels of the input, shape (R_i, 4) each.

        Returns:
            The mask head alone; a cascade has one for each stage.
        """
        return [bind_mask_head(self.mask_roi_extractor, self.mask_head, x, boxes)]
