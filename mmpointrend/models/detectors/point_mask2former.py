from mmdet.models.detectors import Mask2Former
from mmengine.config import ConfigDict

from mmpointrend.registry import MODELS


@MODELS.register_module()
class PointMask2Former(Mask2Former):
    """mmdet's Mask2Former for instance segmentation, with the number of classes written once.

    Args:
        panoptic_head: Config of :class:`PointMask2FormerHead`; its ``num_classes`` is that of the
            model. What picks the instances of an image at the end follows it.
        **kwargs: Other arguments of :class:`mmdet.models.Mask2Former`, except
            ``panoptic_fusion_head``.
    """

    def __init__(self, panoptic_head: ConfigDict, **kwargs) -> None:
        fusion_head = ConfigDict(
            type='MaskFormerFusionHead',
            num_things_classes=panoptic_head.num_classes,
            num_stuff_classes=0,
        )
        super().__init__(panoptic_head=panoptic_head, panoptic_fusion_head=fusion_head, **kwargs)
