"""Measures of mask quality. Needs numpy and OpenCV only; ``metrics`` needs the stack."""

from .boundary_iou import boundary_iou, boundary_region

__all__ = ['boundary_iou', 'boundary_region']
