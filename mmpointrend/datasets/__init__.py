"""Datasets whose objects are annotated with points, and their transforms."""

from .coco_points import PointCocoDataset
from .transforms import LoadPointAnnotations, SubsamplePoints

__all__ = ['LoadPointAnnotations', 'PointCocoDataset', 'SubsamplePoints']
