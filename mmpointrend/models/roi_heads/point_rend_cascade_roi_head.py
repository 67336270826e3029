from collections.abc import Callable, Sequence

from mmdet.models.task_modules.samplers import SamplingResult
from mmdet.utils import InstanceList
from torch import Tensor

from mmpointrend.registry import MODELS

from .mask_branch import MaskBranch, bind_mask_head, channels_last, predict_masks
from .point_cascade_roi_head import PointCascadeRoIHead

RegionFusion = Callable[[Tensor, Tensor], Tensor]


@MODELS.register_module()
class PointRendCascadeRoIHead(PointCascadeRoIHead):
    """Cascade R-CNN's RoI head with a mask head per stage that is evaluated point by point.

    Each stage trains on its own regions. A mask is rendered once, from the mean of the stages'
    probabilities at each point (Cascade R-CNN, Sec. 4.4, averages the stages' masks). Otherwise as
    :class:`PointRendRoIHead`; arguments are those of :class:`PointCascadeRoIHead`.
    """

    def mask_loss(
        self,
        stage: int,
        x: Sequence[Tensor],
        sampling_results: list[SamplingResult],
        batch_gt_instances: InstanceList,
        fuse: RegionFusion | None = None,
    ) -> dict:
        """Compute the mask losses of a stage; see :meth:`PointRendRoIHead.mask_loss`."""
        boxes = [result.pos_priors for result in sampling_results]
        branch = self._bind_stage(stage, x, boxes, fuse)
        return {'loss_mask': branch.loss(sampling_results, batch_gt_instances)}

    def predict_mask(
        self,
        x: Sequence[Tensor],
        batch_img_metas: list[dict],
        results_list: InstanceList,
        rescale: bool = False,
        fuse: RegionFusion | None = None,
    ) -> InstanceList:
        """Render the masks of detections; see :meth:`PointRendRoIHead.predict_mask`."""
        branches = self.bind(x, [results.bboxes for results in results_list], fuse)
        return predict_masks(branches, results_list, batch_img_metas, self.test_cfg, rescale)

    def bind(
        self, x: Sequence[Tensor], boxes: Sequence[Tensor], fuse: RegionFusion | None = None
    ) -> list[MaskBranch]:
        """Bind the mask heads of all stages to regions; see :meth:`PointRendRoIHead.bind`."""
        num_inputs = max(extractor.num_inputs for extractor in self.mask_roi_extractor)
        x = channels_last(x[:num_inputs])  # once for all stages
        return [self._bind_stage(stage, x, boxes, fuse) for stage in range(self.num_stages)]

    def _bind_stage(
        self,
        stage: int,
        x: Sequence[Tensor],
        boxes: Sequence[Tensor],
        fuse: RegionFusion | None,
    ) -> MaskBranch:
        extractor, head = self.mask_roi_extractor[stage], self.mask_head[stage]
        return bind_mask_head(extractor, head, x, boxes, fuse)
