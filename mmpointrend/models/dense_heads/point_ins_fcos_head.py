from mmdet.models.dense_heads import FCOSHead
from mmengine.structures import InstanceData
from torch import Tensor

from mmpointrend.registry import MODELS

from .point_of_interest import PointOfInterestMixin


@MODELS.register_module()
class PointINSFCOSHead(PointOfInterestMixin, FCOSHead):
    """FCOS's box head for PointINS: each location holds one instance.

    Positives are those of the boxes, and weigh as much as there: by their centreness.
    """

    def _get_targets_single(
        self,
        gt_instances: InstanceData,
        points: Tensor,
        regress_ranges: Tensor,
        num_points_per_lvl: list[int],
    ) -> tuple[Tensor, Tensor]:
        """Assign the objects of an image to locations; see the parent class."""
        names, targets = super()._get_targets_single(
            self._objects_as_classes(gt_instances), points, regress_ranges, num_points_per_lvl
        )
        labels, priors, positives = self._positives_of(names, gt_instances)
        positives.weights = self.centerness_target(targets[priors])
        self._positives.append(positives)
        return labels, targets
