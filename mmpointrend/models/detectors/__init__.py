from .point_ins import PointINS
from .point_mask2former import PointMask2Former

__all__ = ['PointINS', 'PointMask2Former']
