"""Registered components: where to look, what is there, how it becomes a mask."""

from ..stack import has_mmseg
from .losses import ParameterL2Loss, PointCrossEntropyLoss, PointDiceLoss
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
    PointCascadeRoIHead,
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
    'PointCascadeRoIHead',
    'PointCrossEntropyLoss',
    'PointDiceLoss',
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

if has_mmseg():
    from .decode_heads import PointRendDecodeHead
    from .segmentors import PointRendSegmentor

    __all__ += ['PointRendDecodeHead', 'PointRendSegmentor']
