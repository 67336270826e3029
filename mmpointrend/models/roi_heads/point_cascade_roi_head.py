from collections.abc import Sequence

import torch
from mmdet.models.roi_heads import CascadeRoIHead
from mmdet.structures import SampleList
from mmdet.utils import InstanceList
from torch import Tensor

from mmpointrend.registry import MODELS
from mmpointrend.structures import PointMasks

from ..num_classes import share_num_classes


@MODELS.register_module()
class PointCascadeRoIHead(CascadeRoIHead):
    """mmdet's RoI head of Cascade R-CNN, with the number of classes written once.

    Args:
        num_stages: Number of stages.
        stage_loss_weights: Factor of the losses of each stage.
        bbox_head: Config of the box head, or one for each stage; ``num_classes`` of the first is
            that of all heads.
        mask_head: Config of the mask head, or one for each stage.
        **kwargs: Other arguments of :class:`mmdet.models.CascadeRoIHead`.

    Raises:
        ValueError: When the heads disagree about ``num_classes``.
    """

    def __init__(
        self,
        num_stages: int,
        stage_loss_weights: Sequence[float],
        bbox_head: dict | list[dict],
        mask_head: dict | list[dict],
        **kwargs,
    ) -> None:
        bbox_head, mask_head = share_num_classes(bbox_head, mask_head)
        super().__init__(
            num_stages, stage_loss_weights, bbox_head=bbox_head, mask_head=mask_head, **kwargs
        )

    def loss(
        self,
        x: Sequence[Tensor],
        rpn_results_list: InstanceList,
        batch_data_samples: SampleList,
    ) -> dict[str, Tensor]:
        """Compute the losses of all stages; see the parent class.

        Dense masks are moved to the device here, once and not for every stage.
        """
        for sample in batch_data_samples:
            masks = sample.gt_instances.masks
            if not isinstance(masks, PointMasks):
                sample.gt_instances.masks = masks.to_tensor(torch.uint8, x[0].device)
        return super().loss(x, rpn_results_list, batch_data_samples)
