from mmdet.models.dense_heads import CondInstBboxHead
from mmdet.utils import InstanceList
from torch import Tensor

from mmpointrend.registry import MODELS

from .image_masks import without_points


@MODELS.register_module()
class PointCondInstBboxHead(CondInstBboxHead):
    """CondInst's box head that also trains on images with annotated points.

    With centre sampling, the parent class learns an object around the centroid of its dense mask.
    On images with points it is the middle of the box, as in FCOS.
    """

    def get_targets(
        self, points: list[Tensor], batch_gt_instances: InstanceList
    ) -> tuple[list[Tensor], list[Tensor], list[Tensor], list[Tensor]]:
        """Assign the locations of the feature maps to objects.

        Args:
            points: Locations of each level in pixels, shape (L, 2) each.
            batch_gt_instances: Ground truth of each image; ``masks`` dense or
                :class:`PointMasks`.

        Returns:
            Labels and box targets of each level, positive locations and their objects of each
            image.
        """
        return super().get_targets(points, without_points(batch_gt_instances))
