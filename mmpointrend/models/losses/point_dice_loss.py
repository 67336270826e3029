import torch
from torch import Tensor, nn

from mmpointrend.registry import MODELS

from .point_cross_entropy_loss import EPS


@MODELS.register_module()
class PointDiceLoss(nn.Module):
    """Dice loss of point logits; points labelled -1 count nothing.

    One minus twice the overlap of probabilities and labels over the sum of their squares (V-Net,
    Sec. 3), region by region. It does not change with the share of background among the points.

    Args:
        eps: Added to both sides of the fraction; a region without points has no loss.
        naive_dice: Whether the fraction has the sums themselves below, not those of the squares
            (Mask2Former).
        loss_weight: Factor of the loss.
    """

    def __init__(
        self, eps: float = 1e-3, naive_dice: bool = False, loss_weight: float = 1.0
    ) -> None:
        super().__init__()
        self.eps = eps
        self.naive_dice = naive_dice
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
            num_points: Not used; the points of a row count by their labels.
            weights: How much each region counts in the mean, shape (R,); None for the same.

        Returns:
            Scalar, float32; without regions a zero that still reaches the logits' parameters.
        """
        valid = labels >= 0
        probabilities, labels = logits.float().sigmoid() * valid, labels * valid
        overlap = (probabilities * labels).sum(1)
        power = 1 if self.naive_dice else 2
        total = probabilities.pow(power).sum(1) + labels.pow(power).sum(1)
        losses = 1 - (2 * overlap + self.eps) / (total + self.eps)
        if weights is None:
            weights = torch.ones_like(losses)
        return self.loss_weight * (weights * losses).sum() / weights.sum().clamp(min=EPS)
