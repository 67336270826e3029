"""Transforms that load, thin out and move annotated points."""

from .loading import LoadPointAnnotations
from .point_seg_map import ResizePointSegMap
from .subsample import SubsamplePoints

__all__ = ['LoadPointAnnotations', 'ResizePointSegMap', 'SubsamplePoints']
