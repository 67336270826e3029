from collections.abc import Callable

import torch
from torch import Tensor, nn

from mmpointrend.points import uncertain_points
from mmpointrend.registry import MODELS


@MODELS.register_module()
class UncertainPointSampler(nn.Module):
    """Draws training points mostly where a prediction is uncertain (PointRend, Sec. 3.1).

    Args:
        num_points: Points per region P.
        oversample_ratio: Candidates per point, k >= 1.
        importance_ratio: Share beta in [0, 1] of points that are the most uncertain candidates; the
            others are uniform.
    """

    def __init__(
        self, num_points: int, oversample_ratio: float = 3, importance_ratio: float = 0.75
    ) -> None:
        super().__init__()
        self.num_points = num_points
        self.oversample_ratio = oversample_ratio
        self.importance_ratio = importance_ratio

    def forward(
        self, predict: Callable[[Tensor], Tensor], num_regions: int, device: torch.device
    ) -> Tensor:
        """Draw points.

        Args:
            predict: Maps region coordinates (R, P', 2) to logits (R, P', C).
            num_regions: Number of regions R.
            device: Where the points live.

        Returns:
            Region coordinates, shape (R, P, 2), float32 in [0, 1), without gradient.

        Raises:
            ValueError: When a ratio is out of its range.
        """
        return uncertain_points(
            predict,
            num_regions,
            self.num_points,
            self.oversample_ratio,
            self.importance_ratio,
            device,
        )
