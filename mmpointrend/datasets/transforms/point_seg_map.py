"""Label maps in which only single pixels are annotated."""

from typing import Any

import numpy as np
from mmcv.transforms import Resize

from mmpointrend.registry import TRANSFORMS


@TRANSFORMS.register_module()
class ResizePointSegMap(Resize):
    """Resize an image, and move the labelled pixels of its label map with it.

    A label map of points has a class at the annotated pixels and ``ignore_index`` elsewhere. Taking
    the nearest pixel, as for dense maps, would lose most of them in an image that shrinks and
    repeat them in one that grows. Here each stays one pixel, the one that its centre moves into;
    where several meet, the last one in reading order stays.

    Required and modified keys: those of :class:`mmcv.transforms.Resize`.

    Args:
        *args: As of :class:`mmcv.transforms.Resize`.
        ignore_index: Label of all pixels that are not annotated.
        **kwargs: As of :class:`mmcv.transforms.Resize`.
    """

    def __init__(self, *args: Any, ignore_index: int = 255, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.ignore_index = ignore_index

    def _resize_seg(self, results: dict[str, Any]) -> None:
        labels = results.get('gt_seg_map')
        if labels is None:
            return
        resized = np.full(results['img_shape'], self.ignore_index, labels.dtype)
        annotated = np.nonzero(labels != self.ignore_index)
        moved = tuple(
            ((2 * index + 1) * after // (2 * before))  # of the centre, without rounding errors
            for index, after, before in zip(annotated, resized.shape, labels.shape, strict=True)
        )
        resized[moved] = labels[annotated]
        results['gt_seg_map'] = resized
