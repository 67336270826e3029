from mmdet.models.dense_heads import RetinaHead
from mmdet.structures.bbox import bbox_overlaps
from mmengine.structures import InstanceData
from torch import Tensor

from mmpointrend.registry import MODELS

from .point_of_interest import PointOfInterestMixin


@MODELS.register_module()
class PointINSRetinaHead(PointOfInterestMixin, RetinaHead):
    """RetinaNet's box head for PointINS: each location holds one instance per anchor.

    Positives are those of the boxes without the low-quality matches: an anchor has to reach the
    assigner's ``pos_iou_thr``.
    """

    def _get_targets_single(
        self, flat_anchors: Tensor, valid_flags: Tensor, gt_instances: InstanceData, *args, **kwargs
    ) -> tuple:
        """Assign the objects of an image to anchors; see the parent class."""
        names, *others = super()._get_targets_single(
            flat_anchors, valid_flags, self._objects_as_classes(gt_instances), *args, **kwargs
        )
        labels, priors, positives = self._positives_of(names, gt_instances)
        overlaps = bbox_overlaps(flat_anchors[priors], positives.bboxes, is_aligned=True)
        positives.weights = overlaps.new_ones(len(overlaps))
        self._positives.append(positives[overlaps >= self.assigner.pos_iou_thr])
        return labels, *others
