"""Datasets whose objects are annotated with points, and their transforms."""

import mmpointrend.registry  # noqa: F401  (checks the stack before mmdet is imported)

from .cityscapes_lvis_points import PointCityscapesDataset, PointLVISV1Dataset
from .coco_points import PointCocoDataset
from .transforms import LoadPointAnnotations, ResizePointSegMap, SubsamplePoints

__all__ = [
    'LoadPointAnnotations',
    'PointCityscapesDataset',
    'PointCocoDataset',
    'PointLVISV1Dataset',
    'ResizePointSegMap',
    'SubsamplePoints',
]
