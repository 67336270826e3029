"""Measures of mask quality. Needs numpy and OpenCV only; ``metrics`` needs the stack."""

from .boundary_iou import boundary_iou, boundary_region
from .label_boundaries import boundary_overlap, class_overlap, trimap

__all__ = ['boundary_iou', 'boundary_overlap', 'boundary_region', 'class_overlap', 'trimap']
