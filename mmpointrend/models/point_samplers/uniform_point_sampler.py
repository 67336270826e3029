from collections.abc import Callable

import torch
from torch import Tensor, nn

from mmpointrend.points import uniform_points
from mmpointrend.registry import MODELS


@MODELS.register_module()
class UniformPointSampler(nn.Module):
    """Draws training points uniformly inside regions.

    Implicit PointRend trains on them, because it has no coarse mask to be uncertain about
    (Pointly-Supervised Instance Segmentation, Sec. 5).

    Args:
        num_points: Points per region P.
    """

    def __init__(self, num_points: int) -> None:
        super().__init__()
        self.num_points = num_points

    def forward(
        self, predict: Callable[[Tensor], Tensor], num_regions: int, device: torch.device
    ) -> Tensor:
        """Draw points.

        Args:
            predict: Not used.
            num_regions: Number of regions R.
            device: Where the points live.

        Returns:
            Region coordinates, shape (R, P, 2), float32 in [0, 1).
        """
        return uniform_points(num_regions, self.num_points, device)
