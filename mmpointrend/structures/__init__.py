"""Data structures: annotated points as the instance masks of an image."""

import mmpointrend.registry  # noqa: F401  (checks the stack before mmdet is imported)

from .point_masks import PointMasks

__all__ = ['PointMasks']
