from mmdet.models.detectors.single_stage_instance_seg import SingleStageInstanceSegmentor

from mmpointrend.registry import MODELS


@MODELS.register_module()
class PointINS(SingleStageInstanceSegmentor):
    """A dense detector with a PointINS-style mask head.

    Source: PointINS: Point-based Instance Segmentation (arXiv:2003.06148); see
    :class:`mmpointrend.models.PointINSMaskHead` for what of it.

    Args:
        bbox_head: Config of :class:`PointINSFCOSHead` or :class:`PointINSRetinaHead`.
        mask_head: Config of :class:`PointINSMaskHead`.
        **kwargs: Other arguments of :class:`mmdet.models.SingleStageInstanceSegmentor`.

    Raises:
        ValueError: When the mask head counts other slots, or other strides, than the box head.
    """

    def __init__(self, bbox_head: dict, mask_head: dict, **kwargs) -> None:
        super().__init__(bbox_head=bbox_head, mask_head=mask_head, **kwargs)
        expected = {
            'num_slots': self.bbox_head.num_base_priors,
            'strides': tuple(stride for stride, _ in self.bbox_head.prior_generator.strides),
        }
        for key, value in expected.items():
            found = getattr(self.mask_head, key)
            if found != value:
                raise ValueError(f'mask_head.{key} is {found}, but that of bbox_head is {value}')
