"""Loading of annotated points."""

from typing import Any

import numpy as np
from mmdet.datasets.transforms import LoadAnnotations

from mmpointrend.annotation.schema import PointAnnotationError
from mmpointrend.registry import TRANSFORMS
from mmpointrend.structures import PointMasks


@TRANSFORMS.register_module()
class LoadPointAnnotations(LoadAnnotations):
    """Load boxes, labels and, as ``gt_masks``, the annotated points of an image.

    Takes the place of ``LoadAnnotations(with_bbox=True, with_mask=True)``; every transform after
    it is mmdet's own. Masks in the instances are not read.

    Required keys:

    - ori_shape
    - instances (of :class:`PointCocoDataset`)

    Added keys: those of :class:`LoadAnnotations`, and

    - gt_masks (PointMasks): P points for each of the N instances; an ignored instance has
      ignored points only, so that indices agree with ``gt_bboxes``.

    Args:
        **kwargs: Those of :class:`LoadAnnotations`, except ``with_mask`` and ``poly2mask``.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(with_mask=True, **kwargs)

    def _load_masks(self, results: dict[str, Any]) -> None:
        """Set ``gt_masks``.

        Args:
            results: The results of the pipeline so far.

        Raises:
            PointAnnotationError: An instance to train on has no points, or the image is smaller
                than the annotations say.
        """
        height, width = results['ori_shape']
        coords, labels = [], []
        for index, instance in enumerate(results.get('instances', [])):
            ignored = bool(instance['ignore_flag'])
            if not ignored and 'point_coords' not in instance:
                raise PointAnnotationError(
                    f'{_name(results)}: found no points in instance {index}, expected those that '
                    'the dataset mmpointrend.PointCocoDataset gives'
                )
            # The file names pixels; a pixel's centre is half a pixel further.
            raw = np.asarray([] if ignored else instance['point_coords'], dtype=np.float32)
            coords.append(raw.reshape(-1, 2) + np.float32(0.5))
            labels.append([] if ignored else instance['point_labels'])
        masks = PointMasks(coords, labels, height, width)
        if (masks.labels >= 0).sum() < sum(map(len, labels)):
            raise PointAnnotationError(
                f'{_name(results)}: found points outside the image, whose size is {height} x '
                f'{width} (h x w), expected {results.get("height")} x {results.get("width")}'
            )
        results['gt_masks'] = masks

    def __repr__(self) -> str:
        return (
            f'{type(self).__name__}(with_bbox={self.with_bbox}, with_label={self.with_label}, '
            f'with_seg={self.with_seg}, box_type={self.box_type!r})'
        )


def _name(results: dict[str, Any]) -> str:
    return str(results.get('img_path', 'image'))
