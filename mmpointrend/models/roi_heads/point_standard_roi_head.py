from mmdet.models.roi_heads import StandardRoIHead

from mmpointrend.registry import MODELS

from ..num_classes import share_num_classes


@MODELS.register_module()
class PointStandardRoIHead(StandardRoIHead):
    """mmdet's two-stage RoI head, with the number of classes written once.

    Args:
        bbox_head: Config of the box head.
        mask_head: Config of the mask head. Its ``num_classes`` is that of the box head and need
            not be written twice.
        **kwargs: Arguments of :class:`mmdet.models.StandardRoIHead`.

    Raises:
        ValueError: When the heads disagree about ``num_classes``.
    """

    def __init__(self, bbox_head: dict, mask_head: dict, **kwargs) -> None:
        bbox_head, mask_head = share_num_classes(bbox_head, mask_head)
        super().__init__(bbox_head=bbox_head, mask_head=mask_head, **kwargs)
