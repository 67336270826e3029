"""Registered components: where to look, what is there, how it becomes a mask."""

from .losses import ParameterL2Loss, PointCrossEntropyLoss
from .mask_heads import ConvFCHead, ImplicitPointRendMaskHead, PointFCNMaskHead
from .point_heads import ImplicitPointHead
from .point_samplers import UniformPointSampler
from .roi_heads import ImplicitPointRendRoIHead, PointRoIExtractor, PointStandardRoIHead

__all__ = [
    'ConvFCHead',
    'ImplicitPointHead',
    'ImplicitPointRendMaskHead',
    'ImplicitPointRendRoIHead',
    'ParameterL2Loss',
    'PointCrossEntropyLoss',
    'PointFCNMaskHead',
    'PointRoIExtractor',
    'PointStandardRoIHead',
    'UniformPointSampler',
]
