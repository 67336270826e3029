from functools import partial

from torch import Tensor

from mmpointrend.points import bilinear_weights, sample_maps
from mmpointrend.registry import MODELS

from ..num_classes import with_shared
from ..region_masks import RegionMasks, planes_of_classes
from .base_point_mask_head import BasePointMaskHead, PointFunction


@MODELS.register_module()
class PointRendMaskHead(BasePointMaskHead):
    """PointRend: a coarse mask of each region, and a point head that refines it.

    The coarse mask is trained cell by cell where masks are dense, and by interpolation at the
    points where they are annotated; the point head at its points either way. Source: PointRend,
    Sec. 3 and 4.1; Pointly-Supervised Instance Segmentation, Sec. 4.1, for annotated points.

    Args:
        num_classes: Number of classes C.
        coarse_head: Config of the head that turns region features into the coarse mask; its
            ``output_shape`` is filled in.
        point_head: Config of the point head; its ``num_classes`` and ``class_agnostic`` are filled
            in.
        point_sampler: Config of the sampler of training points on dense masks.
        loss_coarse: Config of the loss of the coarse mask.
        loss_point: Config of the loss at the points.
        coarse_size: Side of the coarse mask.
        class_agnostic: Whether one mask serves all classes.

    Raises:
        ValueError: When ``point_head`` has another ``num_classes`` or ``class_agnostic``.
    """

    def __init__(
        self,
        num_classes: int,
        coarse_head: dict,
        point_head: dict,
        point_sampler: dict,
        loss_coarse: dict,
        loss_point: dict,
        coarse_size: int = 7,
        class_agnostic: bool = False,
    ) -> None:
        super().__init__(num_classes, point_sampler)
        output_shape = (1 if class_agnostic else num_classes, coarse_size, coarse_size)
        self.coarse_head = MODELS.build({**coarse_head, 'output_shape': output_shape})
        shared = {'num_classes': num_classes, 'class_agnostic': class_agnostic}
        self.point_head = MODELS.build(with_shared(point_head, shared))
        self.loss_coarse = MODELS.build(loss_coarse)
        self.loss_point = MODELS.build(loss_point)

    def forward(self, region_features: Tensor) -> Tensor:
        """Predict each region's coarse logits, (R, D, S, S) to (R, C, T, T), C = 1 when class
        agnostic."""
        return self.coarse_head(region_features)

    def point_predictor(self, coarse: Tensor, labels: Tensor, read: PointFunction) -> PointFunction:
        """Bind the point head to regions; see the base class."""
        num_classes, size = coarse.shape[1:3]
        if size**2 < num_classes:
            # Fewer cells than classes: what is computed per cell is cheaper.
            layers = self.point_head.layers(labels, coarse.flatten(2).mT.contiguous())
            read_coarse = partial(bilinear_weights, size=size)
        else:
            layers = self.point_head.layers(labels)
            read_coarse = partial(sample_maps, coarse)
        evaluate = self.point_head.evaluate
        return lambda points: evaluate(read(points), read_coarse(points), layers).float()

    def loss(
        self, coarse: Tensor, labels: Tensor, read: PointFunction, masks: RegionMasks
    ) -> dict[str, Tensor]:
        """Compute ``loss_mask``, of the coarse mask, and ``loss_point``; see the base class."""
        planes = planes_of_classes(coarse, labels) if coarse.shape[1] > 1 else coarse

        def predict_coarse(points: Tensor) -> Tensor:
            return sample_maps(planes, points).float()

        cells = masks.at_cells(tuple(coarse.shape[2:]))
        targets = self.point_targets(predict_coarse, masks, labels)
        coarse_logits = predict_coarse(cells.points)[..., 0]
        logits = self.point_predictor(coarse, labels, read)(targets.points)[..., 0]
        return {
            'loss_mask': self.loss_coarse(coarse_logits, cells.labels, cells.num_points),
            'loss_point': self.loss_point(logits, targets.labels, targets.num_points),
        }
