from torch import Tensor

from mmpointrend.registry import MODELS

from ..num_classes import with_shared
from ..region_masks import RegionMasks
from .base_point_mask_head import BasePointMaskHead, PointFunction


@MODELS.register_module()
class ImplicitPointRendMaskHead(BasePointMaskHead):
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

    Raises:
        ValueError: When ``point_head`` has another ``num_classes``.
    """

    def __init__(
        self,
        num_classes: int,
        parameter_head: dict,
        point_head: dict,
        point_sampler: dict,
        loss_point: dict,
        loss_parameters: dict,
    ) -> None:
        super().__init__(num_classes, point_sampler)
        self.point_head = MODELS.build(with_shared(point_head, {'num_classes': num_classes}))
        output_shape = (self.point_head.num_parameters,)
        self.parameter_head = MODELS.build({**parameter_head, 'output_shape': output_shape})
        self.loss_point = MODELS.build(loss_point)
        self.loss_parameters = MODELS.build(loss_parameters)

    def forward(self, region_features: Tensor) -> Tensor:
        """Predict each region's parameters, (R, D, S, S) to (R, parameters)."""
        return self.parameter_head(region_features)

    def point_predictor(
        self, parameters: Tensor, labels: Tensor, read: PointFunction
    ) -> PointFunction:
        """Bind the point head to regions; see the base class."""
        return lambda points: self.point_head(read(points), points, parameters, labels).float()

    def loss(
        self, parameters: Tensor, labels: Tensor, read: PointFunction, masks: RegionMasks
    ) -> dict[str, Tensor]:
        """Compute ``loss_point`` and ``loss_l2``; see the base class."""
        predict = self.point_predictor(parameters, labels, read)
        targets = self.point_targets(predict, masks, labels)
        logits = predict(targets.points)[..., 0]
        return {
            'loss_point': self.loss_point(logits, targets.labels, targets.num_points),
            'loss_l2': self.loss_parameters(parameters),
        }
