from .point_rend_segmentor import PointRendSegmentor

__all__ = ['PointRendSegmentor']
