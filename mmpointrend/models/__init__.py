"""Registered components: where to look, what is there, how it becomes a mask."""

import mmpointrend.registry  # noqa: F401  (checks the stack before mmdet is imported)

from ..stack import has_mmseg
from .dense_heads import (
    PointCondInstBboxHead,
    PointCondInstMaskHead,
    PointINSFCOSHead,
    PointINSRetinaHead,
    PointMask2FormerHead,
    PointRTMDetInsHead,
    PointRTMDetInsSepBNHead,
)
from .detectors import PointINS, PointMask2Former
from .losses import ParameterL2Loss, PointCrossEntropyLoss, PointDiceLoss
from .mask_heads import (
    ConvFCHead,
    ImplicitPointRendMaskHead,
    PointFCNMaskHead,
    PointINSMaskHead,
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
    'PointCondInstBboxHead',
    'PointCondInstMaskHead',
    'PointCrossEntropyLoss',
    'PointDiceLoss',
    'PointFCNMaskHead',
    'PointINS',
    'PointINSFCOSHead',
    'PointINSMaskHead',
    'PointINSRetinaHead',
    'PointMask2Former',
    'PointMask2FormerHead',
    'PointRTMDetInsHead',
    'PointRTMDetInsSepBNHead',
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
