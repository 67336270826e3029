import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmpointrend.registry import MODELS

# Keeps the mean of nothing a zero.
EPS = 1e-12


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

    def forward(
        self,
        logits: Tensor,
        labels: Tensor,
        num_points: Tensor | None = None,
        weights: Tensor | None = None,
    ) -> Tensor:
        """Compute the loss.

        Args:
            logits: Shape (R, P).
            labels: Shape (R, P), float: 1 object, 0 background, shares between the two allowed, -1
                ignored.
            num_points: Points of each region when some of the P only fill up the row, shape (R,);
                None for P everywhere.
            weights: How much each region counts in the mean, shape (R,); None for the same.

        Returns:
            Scalar, float32; without regions a zero that still reaches the logits' parameters.
        """
        valid = labels >= 0
        weights = logits.new_ones(len(logits), dtype=torch.float32) if weights is None else weights
        losses = F.binary_cross_entropy_with_logits(
            logits.float(), labels.clamp(min=0), weight=valid.float(), reduction='none'
        ).sum(1)
        if self.avg_over == 'valid':
            loss = (weights * losses).sum() / (weights * valid.sum(1)).sum().clamp(min=EPS)
        else:
            points = logits.shape[1] if num_points is None else num_points.clamp(min=1)
            loss = (weights * losses / points).sum() / weights.sum().clamp(min=EPS)
        return self.loss_weight * loss
