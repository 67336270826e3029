from .point_cascade_roi_head import PointCascadeRoIHead
from .point_rend_cascade_roi_head import PointRendCascadeRoIHead
from .point_rend_htc_roi_head import PointRendHTCRoIHead
from .point_rend_roi_head import PointRendRoIHead
from .point_roi_extractor import PointRoIExtractor
from .point_standard_roi_head import PointStandardRoIHead

__all__ = [
    'PointCascadeRoIHead',
    'PointRendCascadeRoIHead',
    'PointRendHTCRoIHead',
    'PointRendRoIHead',
    'PointRoIExtractor',
    'PointStandardRoIHead',
]
