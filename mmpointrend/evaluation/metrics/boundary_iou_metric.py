"""How well a semantic segmentation follows the contours of its classes."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from mmengine.evaluator import BaseMetric
from mmengine.logging import print_log

from mmpointrend.registry import METRICS

from ..label_boundaries import boundary_overlap, class_overlap, trimap


@METRICS.register_module()
class BoundaryIoUMetric(BaseMetric):
    """Boundary IoU of the classes, and their IoU in bands along the true contours.

    As for mmseg's mIoU, intersections and unions are summed over the dataset before they are
    divided, and classes without a pixel in either are left out of the means. Sources: Cheng et al.,
    Boundary IoU, CVPR 2021; trimaps, see :func:`~mmpointrend.evaluation.trimap`.

    The results, in percent, are ``mBoundaryIoU`` and for each width ``mIoU_trimap_{width}``. The
    boundary IoU of every class is logged.

    Args:
        dilation_ratio: Width of a boundary region, as a share of the image's diagonal; 0.02 is that
            of COCO and LVIS, 0.005 that of Cityscapes.
        trimap_widths: Pixels on either side of a contour, 1 or more.
        ignore_index: Label of pixels that count nothing.
        collect_device: As in mmengine.
        prefix: As in mmengine.

    Raises:
        ValueError: A trimap has no width.
    """

    def __init__(
        self,
        dilation_ratio: float = 0.02,
        trimap_widths: Sequence[int] = (1, 2, 4, 8),
        ignore_index: int = 255,
        collect_device: str = 'cpu',
        prefix: str | None = None,
    ) -> None:
        if min(trimap_widths, default=1) < 1:
            raise ValueError(f'trimap_widths must be 1 or more, got {list(trimap_widths)}')
        super().__init__(collect_device, prefix)
        self.dilation_ratio = dilation_ratio
        self.trimap_widths = trimap_widths
        self.ignore_index = ignore_index

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Measure a batch.

        Args:
            data_batch: Not used.
            data_samples: Have ``pred_sem_seg`` and ``gt_sem_seg``, each with ``data``, labels of
                shape (1, H, W).

        Raises:
            ValueError: A prediction and its truth differ in size, or a true label is none of the
                classes.
        """
        num_classes = len(self.dataset_meta['classes'])
        for sample in data_samples:
            # Predictions of mmseg with one channel are floating point.
            prediction, truth = (
                sample[key]['data'].squeeze(0).long().cpu().numpy()
                for key in ('pred_sem_seg', 'gt_sem_seg')
            )
            if prediction.shape != truth.shape:
                found, expected = (f'{w} x {h}' for h, w in (prediction.shape, truth.shape))
                raise ValueError(
                    f'{sample.get("img_path", "prediction")}: found a prediction of {found} '
                    f'pixels, expected {expected} as in the truth'
                )
            counts = truth != self.ignore_index
            if (largest := truth[counts].max(initial=0)) >= num_classes:
                raise ValueError(
                    f'{sample.get("seg_map_path", "truth")}: found the label {largest}, expected '
                    f'labels below {num_classes}, or {self.ignore_index}'
                )
            overlaps = [
                boundary_overlap(
                    prediction, truth, num_classes, self.dilation_ratio, self.ignore_index
                )
            ]
            for width in self.trimap_widths:
                band = trimap(truth, width, self.ignore_index)
                overlaps.append(class_overlap(prediction, truth, num_classes, band))
            self.results.append(np.stack(overlaps))

    def compute_metrics(self, results: list[np.ndarray]) -> dict[str, float]:
        """Divide what the images sum up to.

        Args:
            results: Intersection and union of each class, for the boundary regions and every
                trimap, one array (1 + widths, 2, C) per image.

        Returns:
            The means in percent by name, rounded to two digits; NaN without any class.
        """
        intersection, union = np.sum(results, axis=0).swapaxes(0, 1)  # (1 + widths, C) each
        iou = 100 * np.divide(
            intersection, union, where=union > 0, out=np.full(union.shape, np.nan)
        )
        classes = self.dataset_meta['classes']
        lines = [f'{name:<20} {value:6.2f}' for name, value in zip(classes, iou[0], strict=True)]
        print_log('\n'.join(['boundary IoU', *lines]), 'current')
        names = ['mBoundaryIoU', *(f'mIoU_trimap_{width}' for width in self.trimap_widths)]
        return {
            name: round(float(np.nanmean(values)), 2) if (union_row > 0).any() else float('nan')
            for name, values, union_row in zip(names, iou, union, strict=True)
        }
