"""Cityscapes and LVIS with annotated points: the classes and filters of mmdet's datasets."""

from typing import Any

from mmdet.datasets import CityscapesDataset, CocoDataset, LVISV1Dataset

from mmpointrend.registry import DATASETS

from .coco_points import CheckedCOCO, PointCocoDataset


class _CheckedLVIS(CheckedCOCO):
    """The same index with all classes of the file, whatever their names, as the LVIS API has."""

    def get_cat_ids(self, cat_names: tuple[str, ...] = ()) -> list[int]:
        return super().get_cat_ids()


@DATASETS.register_module()
class PointCityscapesDataset(PointCocoDataset, CityscapesDataset):
    """A :class:`PointCocoDataset` with Cityscapes' classes, without images of crowds only."""


@DATASETS.register_module()
class PointLVISV1Dataset(PointCocoDataset, LVISV1Dataset):
    """A :class:`PointCocoDataset` with LVIS's classes; reading it needs no package ``lvis``."""

    COCOAPI = _CheckedLVIS

    def load_data_list(self) -> list[dict[str, Any]]:
        """Load the file as COCO is loaded: the LVIS API drops annotations without a word.

        Returns:
            An entry per image; see :class:`PointCocoDataset`.

        Raises:
            PointAnnotationError: See :class:`PointCocoDataset`.
        """
        return CocoDataset.load_data_list(self)
