"""Metrics that configs name."""

import mmpointrend.registry  # noqa: F401  (checks the stack before mmdet is imported)

from .boundary_iou_metric import BoundaryIoUMetric
from .coco_metric import CocoMetric

__all__ = ['BoundaryIoUMetric', 'CocoMetric']
