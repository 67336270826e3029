from .point_condinst_bbox_head import PointCondInstBboxHead
from .point_condinst_mask_head import PointCondInstMaskHead
from .point_ins_fcos_head import PointINSFCOSHead
from .point_ins_retina_head import PointINSRetinaHead
from .point_mask2former_head import PointMask2FormerHead
from .point_rtmdet_ins_head import PointRTMDetInsHead, PointRTMDetInsSepBNHead

__all__ = [
    'PointCondInstBboxHead',
    'PointCondInstMaskHead',
    'PointINSFCOSHead',
    'PointINSRetinaHead',
    'PointMask2FormerHead',
    'PointRTMDetInsHead',
    'PointRTMDetInsSepBNHead',
]
