from .base_point_mask_head import BasePointMaskHead, PointFunction
from .conv_fc_head import ConvFCHead
from .implicit_point_rend_mask_head import ImplicitPointRendMaskHead
from .point_fcn_mask_head import PointFCNMaskHead
from .point_ins_mask_head import PointINSMaskHead
from .point_rend_mask_head import PointRendMaskHead

__all__ = [
    'BasePointMaskHead',
    'ConvFCHead',
    'ImplicitPointRendMaskHead',
    'PointFCNMaskHead',
    'PointFunction',
    'PointINSMaskHead',
    'PointRendMaskHead',
]
