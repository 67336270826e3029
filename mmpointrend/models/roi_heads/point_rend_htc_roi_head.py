from collections.abc import Sequence

import torch.nn.functional as F
from mmdet.models.roi_heads import HybridTaskCascadeRoIHead
from mmdet.models.task_modules.samplers import SamplingResult
from mmdet.utils import InstanceList
from torch import Tensor

from mmpointrend.registry import MODELS

from .point_rend_cascade_roi_head import PointRendCascadeRoIHead, RegionFusion


@MODELS.register_module()
class PointRendHTCRoIHead(PointRendCascadeRoIHead, HybridTaskCascadeRoIHead):
    """Hybrid Task Cascade's RoI head with mask heads that are evaluated point by point.

    Interleaved execution and the semantic branch are those of the parent class; the region features
    of the mask heads are fused with the semantic ones (Hybrid Task Cascade, Sec. 3.2). The mask
    information flow passes the feature maps of a convolutional mask head to the next stage; point
    heads have none, so it must be off.

    Args:
        mask_info_flow: Must be False.
        **kwargs: Arguments of :class:`mmdet.models.HybridTaskCascadeRoIHead` and
            :class:`PointRendCascadeRoIHead`.

    Raises:
        ValueError: When ``mask_info_flow`` is True, or the heads disagree about ``num_classes``.
    """

    def __init__(self, *, mask_info_flow: bool = False, **kwargs) -> None:
        if mask_info_flow:
            raise ValueError(
                'roi_head.mask_info_flow is True, expected False: mask heads that are evaluated '
                'point by point have no feature map to pass to the next stage'
            )
        super().__init__(mask_info_flow=False, **kwargs)

    def mask_loss(
        self,
        stage: int,
        x: Sequence[Tensor],
        sampling_results: list[SamplingResult],
        batch_gt_instances: InstanceList,
        semantic_feat: Tensor | None = None,
    ) -> dict:
        """Compute the mask losses of a stage, with the semantic features (N, D, H, W), if any."""
        fuse = self._fusion(semantic_feat)
        return super().mask_loss(stage, x, sampling_results, batch_gt_instances, fuse)

    def predict_mask(
        self,
        x: Sequence[Tensor],
        semantic_heat: Tensor | None,
        batch_img_metas: list[dict],
        results_list: InstanceList,
        rescale: bool = False,
    ) -> InstanceList:
        """Render the masks of detections, with the semantic features (N, D, H, W), if any."""
        fuse = self._fusion(semantic_heat)
        return super().predict_mask(x, batch_img_metas, results_list, rescale, fuse)

    def _fusion(self, semantic_feat: Tensor | None) -> RegionFusion | None:
        """What adds the semantic features to the region features of the mask heads."""
        if semantic_feat is None or 'mask' not in self.semantic_fusion:
            return None

        def fuse(features: Tensor, rois: Tensor) -> Tensor:
            semantic = self.semantic_roi_extractor([semantic_feat], rois)
            return features + F.adaptive_avg_pool2d(semantic, features.shape[-2:])

        return fuse
