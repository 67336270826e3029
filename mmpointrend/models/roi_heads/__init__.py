from .implicit_point_rend_roi_head import ImplicitPointRendRoIHead
from .point_roi_extractor import PointRoIExtractor
from .standard_roi_head import StandardRoIHead

__all__ = ['ImplicitPointRendRoIHead', 'PointRoIExtractor', 'StandardRoIHead']
