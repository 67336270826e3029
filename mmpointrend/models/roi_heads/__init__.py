from .implicit_point_rend_roi_head import ImplicitPointRendRoIHead
from .point_roi_extractor import PointRoIExtractor
from .point_standard_roi_head import PointStandardRoIHead

__all__ = ['ImplicitPointRendRoIHead', 'PointRoIExtractor', 'PointStandardRoIHead']
