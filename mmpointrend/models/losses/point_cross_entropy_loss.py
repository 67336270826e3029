import torch.nn.functional as F
from torch import Tensor, nn

from mmpointrend.registry import MODELS


@MODELS.register_module()
class PointCrossEntropyLoss(nn.Module):
    """Binary cross entropy of point logits; points labelled -1 count nothing.

    Source: PointRend, Sec. 3.3, and Pointly-Supervised Instance Segmentation, Sec. 4.1.

    Args:
        avg_over: What the sum is divided by. 'all', as published: the mean over the points of a
            region, ignored ones included, then the mean over regions. 'valid': the mean over all
            points that are not ignored.
        loss_weight: Factor of the loss.

    Raises:
        ValueError: When ``avg_over`` is neither 'all' nor 'valid'.
    """

    def __init__(self, avg_over: str = 'all', loss_weight: float = 1.0) -> None:
        super().__init__()
        if avg_over not in ('all', 'valid'):
            raise ValueError(f"avg_over must be 'all' or 'valid', got {avg_over!r}")
        self.avg_over = avg_over
        self.loss_weight = loss_weight

    def forward(self, logits: Tensor, labels: Tensor, num_points: Tensor | None = None) -> Tensor:
        """Compute the loss.

        Args:
            logits: Shape (R, P).
            labels: Shape (R, P), float: 1 object, 0 background, shares between the two allowed, -1
                ignored.
            num_points: Points of each region when some of the P only fill up the row, shape (R,);
                None for P everywhere.

        Returns:
            Scalar, float32; without regions a zero that still reaches the logits' parameters.
        """
        valid = labels >= 0
        losses = F.binary_cross_entropy_with_logits(
            logits.float(), labels.clamp(min=0), weight=valid.float(), reduction='none'
        )
        if self.avg_over == 'valid':
            loss = losses.sum() / valid.sum().clamp(min=1)
        else:
            per_region = losses.sum(1) / (
                logits.shape[1] if num_points is None else num_points.clamp(min=1)
            )
            loss = per_region.sum() / max(len(logits), 1)
        return self.loss_weight * loss
