"""Registered components: where to look, what is there, how it becomes a mask."""

from .losses import ParameterL2Loss, PointCrossEntropyLoss
from .mask_heads import (
    ConvFCHead,
    ImplicitPointRendMaskHead,
    PointFCNMaskHead,
    PointRendMaskHead,
)
from .point_heads import ImplicitPointHead, StandardPointHead
from .point_samplers import UncertainPointSampler, UniformPointSampler
from .point_tta_model import PointTTAModel
from .roi_heads import (
    PointRendCascadeRoIHead,
    PointRendHTCRoIHead,
    PointRendRoIHead,
    PointRoIExtractor,
    PointStandardRoIHead,
)

__all__ = [
    'ConvFCHead',
    'ImplicitPointHead',
    'ImplicitPointRendMaskHead',
    'ParameterL2Loss',
    'PointCrossEntropyLoss',
    'PointFCNMaskHead',
    'PointRendCascadeRoIHead',
    'PointRendHTCRoIHead',
    'PointRendMaskHead',
    'PointRendRoIHead',
    'PointRoIExtractor',
    'PointStandardRoIHead',
    'PointTTAModel',
    'StandardPointHead',
    'UncertainPointSampler',
    'UniformPointSampler',
]
