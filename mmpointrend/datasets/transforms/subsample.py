"""Augmentation of annotated points."""

from typing import Any

import numpy as np
from mmcv.transforms import BaseTransform

from mmpointrend.registry import TRANSFORMS
from mmpointrend.structures import PointMasks


@TRANSFORMS.register_module()
class SubsamplePoints(BaseTransform):
    """Keep a random part of each object's points, drawn anew each time an image is loaded.

    The point-based data augmentation of "Pointly-Supervised Instance Segmentation" (Cheng et al.,
    CVPR 2022), which keeps half of the points. The draw is without replacement, among the points
    that are not ignored, from numpy's global generator.

    Required keys:

    - gt_masks (PointMasks)

    Modified keys:

    - gt_masks (PointMasks): at most ``num_points`` points per object; those of an object with
      fewer are all kept.

    Args:
        num_points: Points to keep per object, at least 1.

    Raises:
        ValueError: ``num_points`` is not a positive integer.
    """

    def __init__(self, num_points: int = 5) -> None:
        if not isinstance(num_points, int) or num_points < 1:
            raise ValueError(
                f'SubsamplePoints: num_points must be a positive integer, got {num_points!r}'
            )
        self.num_points = num_points

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Thin out the points of an image.

        Args:
            results: The results of the pipeline so far.

        Returns:
            The results with fewer points.

        Raises:
            TypeError: ``gt_masks`` are not points.
        """
        masks = results.get('gt_masks')
        if not isinstance(masks, PointMasks):
            raise TypeError(
                f'SubsamplePoints needs PointMasks as gt_masks, got {type(masks).__name__}: put '
                'it after mmpointrend.LoadPointAnnotations'
            )
        ranks = np.random.random_sample(masks.labels.shape)  # (N, P)
        ranks[masks.labels == -1] = np.inf
        kept = np.argsort(ranks, axis=1)[:, : self.num_points]  # (N, min(P, num_points))
        results['gt_masks'] = PointMasks(
            np.take_along_axis(masks.coords, kept[..., None], axis=1),
            np.take_along_axis(masks.labels, kept, axis=1),
            masks.height,
            masks.width,
            np.minimum(masks.num_points, self.num_points),
        )
        return results

    def __repr__(self) -> str:
        return f'{type(self).__name__}(num_points={self.num_points})'
