from .point_rend_decode_head import PointRendDecodeHead

__all__ = ['PointRendDecodeHead']
