from .conv_fc_head import ConvFCHead
from .implicit_point_rend_mask_head import ImplicitPointRendMaskHead
from .point_fcn_mask_head import PointFCNMaskHead

__all__ = ['ConvFCHead', 'ImplicitPointRendMaskHead', 'PointFCNMaskHead']
