"""Cityscapes and LVIS with annotated points: the classes and filters of mmdet's datasets."""

from mmdet.datasets import CityscapesDataset, LVISV1Dataset

from mmpointrend.registry import DATASETS

from .coco_points import PointCocoDataset


@DATASETS.register_module()
class PointCityscapesDataset(PointCocoDataset, CityscapesDataset):
    """A :class:`PointCocoDataset` with Cityscapes' classes, without images of crowds only."""


@DATASETS.register_module()
class PointLVISV1Dataset(PointCocoDataset, LVISV1Dataset):
    """A :class:`PointCocoDataset` with LVIS's classes; mmdet reads it with the package ``lvis``."""
