"""Data structures: annotated points as the instance masks of an image."""

from .point_masks import PointMasks

__all__ = ['PointMasks']
