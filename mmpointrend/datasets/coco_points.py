"""COCO files whose objects are annotated with points."""

from typing import Any

from mmdet.datasets import CocoDataset
from mmdet.datasets.api_wrappers import COCO

from mmpointrend.annotation import check_coco, check_keys, check_points, image_name
from mmpointrend.registry import DATASETS


class CheckedCOCO(COCO):
    """An index that refuses what COCO drops, or fails on without naming the annotation.

    Each image has a ``file_name``, if need be from its ``coco_url``.
    """

    def __init__(self, annotation_file: str) -> None:
        self.annotation_file = annotation_file
        super().__init__(annotation_file)

    def createIndex(self) -> None:
        for ann in self.dataset.get('annotations', []):
            check_keys(ann, self.annotation_file)
        for image in check_coco(self.dataset, self.annotation_file).values():
            image['file_name'] = image_name(image, self.annotation_file)
        super().createIndex()


@DATASETS.register_module()
class PointCocoDataset(CocoDataset):
    """A COCO file with ``point_coords`` and ``point_labels`` in every annotation that is no crowd.

    Each instance that mmdet's :class:`CocoDataset` keeps carries them on to
    :class:`LoadPointAnnotations`: ``point_coords``, P integer pixels [x, y], and ``point_labels``,
    P values 1 (object) or 0 (background). A crowd has none and is ignored in training. A
    ``segmentation`` that the file still has never reaches the pipeline.

    Arguments are those of :class:`CocoDataset`.

    Raises:
        PointAnnotationError: While the file is loaded: an annotation that would be trained on has
            no valid points (see :func:`mmpointrend.annotation.check_points`), one lacks what all
            need (see :func:`mmpointrend.annotation.check_keys`) or belongs to no image or category
            of the file, or an image has no name. The message names the file and the annotation.
    """

    COCOAPI = CheckedCOCO

    def parse_data_info(self, raw_data_info: dict[str, Any]) -> dict[str, Any]:
        """Parse an image and its annotations.

        Args:
            raw_data_info: ``raw_img_info`` and ``raw_ann_info`` of the file.

        Returns:
            What :class:`CocoDataset` returns, with points in the instances and without masks.

        Raises:
            PointAnnotationError: See the class.
        """
        image = raw_data_info['raw_img_info']
        data_info = super().parse_data_info({'raw_img_info': image, 'raw_ann_info': []})
        for ann in raw_data_info['raw_ann_info']:
            # One at a time, because upstream drops some annotations and names none it keeps.
            parsed = super().parse_data_info({'raw_img_info': image, 'raw_ann_info': [ann]})
            for instance in parsed['instances']:
                instance.pop('mask', None)
                if not instance['ignore_flag']:
                    check_points(ann, image['width'], image['height'], self.ann_file)
                    instance['point_coords'] = ann['point_coords']
                    instance['point_labels'] = ann['point_labels']
                data_info['instances'].append(instance)
        return data_info
