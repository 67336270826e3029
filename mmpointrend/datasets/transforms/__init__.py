"""Transforms that load and thin out annotated points."""

from .loading import LoadPointAnnotations
from .subsample import SubsamplePoints

__all__ = ['LoadPointAnnotations', 'SubsamplePoints']
