"""COCO's metrics and boundary AP."""

import importlib
from typing import Any

import mmdet.evaluation
import numpy as np

from mmpointrend.registry import METRICS

# Area ranges in the order of COCO's evaluation.
ALL, SMALL, MEDIUM, LARGE = range(4)


@METRICS.register_module()
class CocoMetric(mmdet.evaluation.CocoMetric):
    """mmdet's COCO metric, which knows the metric ``'boundary'`` too.

    Boundary AP (Cheng et al., Boundary IoU, CVPR 2021) is mask AP in which the smaller of mask IoU
    and :func:`~mmpointrend.evaluation.boundary_iou` decides whether a prediction is right. Its
    results are ``boundary_mAP``, ``_mAP_50``, ``_mAP_75``, ``_mAP_s``, ``_mAP_m`` and ``_mAP_l``,
    each over as many detections per image as the same one of ``segm``. faster-coco-eval
    measures the overlaps.

    Args:
        metric: ``'boundary'`` and any of mmdet's.
        dilation_ratio: Width of the boundary region, as a share of the image's diagonal.
        **kwargs: Those of mmdet's metric. ``classwise`` and ``metric_items`` are of no effect on
            boundary AP.

    Raises:
        ImportError: ``'boundary'`` is asked for and faster-coco-eval is not installed.
    """

    def __init__(
        self, *, metric: str | list[str] = 'bbox', dilation_ratio: float = 0.02, **kwargs: Any
    ) -> None:
        names = [metric] if isinstance(metric, str) else list(metric)
        super().__init__(metric=[name for name in names if name != 'boundary'], **kwargs)
        self.dilation_ratio = dilation_ratio
        self._faster_coco_eval = _import_faster_coco_eval() if 'boundary' in names else None

    def compute_metrics(self, results: list[tuple[dict, dict]]) -> dict[str, float]:
        """Compute the metrics of the whole dataset.

        Args:
            results: Ground truth and prediction of each image, from ``process``.

        Returns:
            Each metric by name, rounded to three digits; -1 where the dataset has no such object.
        """
        metrics = super().compute_metrics(results)
        # Only now, since mmdet completes the ground truth and the ids there.
        if self._faster_coco_eval and not self.format_only:
            metrics.update(self._boundary_metrics([prediction for _, prediction in results]))
        return metrics

    def _boundary_metrics(self, predictions: list[dict]) -> dict[str, float]:
        detections = []
        for prediction in predictions:
            if 'masks' not in prediction:
                raise KeyError("found predictions without masks, expected them for 'boundary'")
            scores = prediction.get('mask_scores', prediction['scores'])
            detections += [
                {
                    'image_id': prediction['img_id'],
                    'category_id': self.cat_ids[label],
                    'segmentation': mask,
                    'score': float(score),
                }
                for label, mask, score in zip(
                    prediction['labels'], prediction['masks'], scores, strict=True
                )
            ]
        dataset = self._coco_api.dataset
        # It writes into the annotations, which are mmdet's.
        annotations = [dict(ann) for ann in dataset.get('annotations', [])]
        truth = self._faster_coco_eval.COCO({**dataset, 'annotations': annotations})
        evaluation = self._faster_coco_eval.COCOeval_faster(
            truth,
            truth.loadRes(detections),
            iouType='boundary',
            boundary_dilation_ratio=self.dilation_ratio,
        )
        evaluation.params.catIds = self.cat_ids
        evaluation.params.imgIds = self.img_ids
        evaluation.params.maxDets = self.proposal_nums
        evaluation.params.iouThrs = np.asarray(self.iou_thrs)
        evaluation.evaluate()
        evaluation.accumulate()
        return _summary(evaluation.eval['precision'], evaluation.params)


def _import_faster_coco_eval() -> Any:
    try:
        return importlib.import_module('faster_coco_eval')
    except ImportError as error:
        raise ImportError(
            f"the metric 'boundary' needs faster-coco-eval ({error}); pip install faster-coco-eval"
        ) from error


def _summary(precision: np.ndarray, params: Any) -> dict[str, float]:
    """Average as pycocotools does: mAP over 100 detections per image, the others over the most.

    Args:
        precision: Shape (thresholds, recalls, classes, area ranges, numbers of detections), -1
            where there is no object.
        params: Parameters of the evaluation.
    """
    default = [num == 100 for num in params.maxDets]
    most = [num == max(params.maxDets) for num in params.maxDets]
    every = np.ones(len(params.iouThrs), dtype=bool)

    def mean(thresholds: np.ndarray, area: int, detections: list[bool]) -> float:
        values = precision[thresholds][:, :, :, area][..., detections]
        values = values[values > -1]
        return round(float(values.mean()), 3) if values.size else -1.0

    return {
        'boundary_mAP': mean(every, ALL, default),
        'boundary_mAP_50': mean(np.isclose(params.iouThrs, 0.5), ALL, most),
        'boundary_mAP_75': mean(np.isclose(params.iouThrs, 0.75), ALL, most),
        'boundary_mAP_s': mean(every, SMALL, most),
        'boundary_mAP_m': mean(every, MEDIUM, most),
        'boundary_mAP_l': mean(every, LARGE, most),
    }
