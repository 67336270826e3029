from mmdet.models.roi_heads import StandardRoIHead

from mmpointrend.registry import MODELS


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
        num_classes = bbox_head['num_classes']
        if mask_head.get('num_classes', num_classes) != num_classes:
            raise ValueError(
                f'roi_head.mask_head.num_classes is {mask_head["num_classes"]}, but '
                f'roi_head.bbox_head.num_classes is {num_classes}: set the latter only'
            )
        mask_head = {**mask_head, 'num_classes': num_classes}
        super().__init__(bbox_head=bbox_head, mask_head=mask_head, **kwargs)
