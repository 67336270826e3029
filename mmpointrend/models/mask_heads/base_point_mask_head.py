from abc import abstractmethod
from collections.abc import Callable

from mmdet.models.roi_heads.mask_heads import FCNMaskHead
from mmengine.model import BaseModule
from torch import Tensor

from mmpointrend.registry import MODELS

from ..region_masks import PointTargets, RegionMasks

PointFunction = Callable[[Tensor], Tensor]


class BasePointMaskHead(BaseModule):
    """A mask head whose masks are evaluated point by point.

    Args:
        num_classes: Number of classes C.
        point_sampler: Config of the sampler of training points on dense masks.
    """

    # A region has one plane only, so there is no class left to choose when masks are pasted.
    class_agnostic = True
    predict_by_feat = FCNMaskHead.predict_by_feat
    _predict_by_feat_single = FCNMaskHead._predict_by_feat_single

    def __init__(self, num_classes: int, point_sampler: dict) -> None:
        super().__init__()
        self.num_classes = num_classes
        self.point_sampler = MODELS.build(point_sampler)

    @abstractmethod
    def forward(self, region_features: Tensor) -> Tensor:
        """Predict what a region's point predictor needs.

        Args:
            region_features: Shape (R, D, S, S).

        Returns:
            Shape (R, ...).
        """

    @abstractmethod
    def point_predictor(
        self, prediction: Tensor, labels: Tensor, read: PointFunction
    ) -> PointFunction:
        """Bind the point head to regions.

        Args:
            prediction: Result of :meth:`forward`.
            labels: Class of each region, shape (R,).
            read: Maps region coordinates (R, P, 2) to image features (R, P, D).

        Returns:
            Maps region coordinates (R, P, 2) to the logits of the regions' classes, (R, P, 1),
            float32.
        """

    @abstractmethod
    def loss(
        self, prediction: Tensor, labels: Tensor, read: PointFunction, masks: RegionMasks
    ) -> dict[str, Tensor]:
        """Compute the losses.

        Args:
            prediction: As in :meth:`point_predictor`.
            labels: As in :meth:`point_predictor`.
            read: As in :meth:`point_predictor`.
            masks: Ground truth of the regions.

        Returns:
            The losses; all exist, and reach every parameter, without regions.
        """

    def point_targets(
        self, predict: PointFunction, masks: RegionMasks, labels: Tensor
    ) -> PointTargets:
        """Collect the training points: sampled where masks are dense, annotated elsewhere.

        Args:
            predict: Maps region coordinates (R, P, 2) to the logits that the sampler may look at.
            masks: Ground truth of the regions.
            labels: Class of each region, shape (R,).
        """
        if not masks.some_dense:
            return masks.at_points()
        return masks.at_points(self.point_sampler(predict, len(labels), labels.device))
