from collections.abc import Callable

from mmdet.models.roi_heads.mask_heads import FCNMaskHead
from mmengine.model import BaseModule
from torch import Tensor

from mmpointrend.registry import MODELS

from ..point_targets import PointTargets

PointFunction = Callable[[Tensor], Tensor]


@MODELS.register_module()
class ImplicitPointRendMaskHead(BaseModule):
    """Implicit PointRend: one head predicts the parameters of an MLP per region, the MLP the mask.

    There is no coarse mask and no importance sampling: training sees uniform, or annotated, points.
    Source: Pointly-Supervised Instance Segmentation, Sec. 5.

    Args:
        num_classes: Number of classes C.
        parameter_head: Config of the head that turns region features into parameters; its
            ``output_shape`` is filled in.
        point_head: Config of the point head; its ``num_classes`` is filled in.
        point_sampler: Config of the sampler of training points on dense masks.
        loss_point: Config of the loss at the points.
        loss_parameters: Config of the loss on the predicted parameters.
    """

    # A region has one plane only, so there is no class left to choose when masks are pasted.
    class_agnostic = True
    predict_by_feat = FCNMaskHead.predict_by_feat
    _predict_by_feat_single = FCNMaskHead._predict_by_feat_single

    def __init__(
        self,
        num_classes: int,
        parameter_head: dict,
        point_head: dict,
        point_sampler: dict,
        loss_point: dict,
        loss_parameters: dict,
    ) -> None:
        super().__init__()
        self.num_classes = num_classes
        self.point_head = MODELS.build({**point_head, 'num_classes': num_classes})
        output_shape = (self.point_head.num_parameters,)
        self.parameter_head = MODELS.build({**parameter_head, 'output_shape': output_shape})
        self.point_sampler = MODELS.build(point_sampler)
        self.loss_point = MODELS.build(loss_point)
        self.loss_parameters = MODELS.build(loss_parameters)

    def forward(self, region_features: Tensor) -> Tensor:
        """Predict each region's parameters from its features, (R, D, S, S) to (R, parameters)."""
        return self.parameter_head(region_features)

    def point_predictor(
        self, parameters: Tensor, labels: Tensor, read: PointFunction
    ) -> PointFunction:
        """Bind the point head to regions.

        Args:
            parameters: Result of :meth:`forward`.
            labels: Class of each region, shape (R,).
            read: Maps region coordinates (R, P, 2) to image features (R, P, D).

        Returns:
            Maps region coordinates (R, P, 2) to the logits of the regions' classes, (R, P, 1),
            float32.
        """
        return lambda points: self.point_head(read(points), points, parameters, labels).float()

    def loss(
        self, parameters: Tensor, labels: Tensor, read: PointFunction, targets: PointTargets
    ) -> dict[str, Tensor]:
        """Compute the losses.

        Args:
            parameters: As in :meth:`point_predictor`.
            labels: As in :meth:`point_predictor`.
            read: As in :meth:`point_predictor`.
            targets: Training points and their labels.

        Returns:
            ``loss_point`` and ``loss_l2``; both exist, and reach every parameter, without regions.
        """
        logits = self.point_predictor(parameters, labels, read)(targets.points)[..., 0]
        return {
            'loss_point': self.loss_point(logits, targets.labels, targets.num_points),
            'loss_l2': self.loss_parameters(parameters),
        }
