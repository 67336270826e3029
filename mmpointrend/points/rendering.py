"""How point predictions become a mask: adaptive subdivision, for every method of this package."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from .coordinates import regular_grid
from .uncertainty import uncertainty


class RenderStep(NamedTuple):
    """One level of a subdivision.

    Attributes:
        planes: Logits after the step, shape (R, C, H, W).
        picked: Cells ``y * W + x`` whose logits the predictor gave, shape (R, P), int64; the others
            are interpolated.
    """

    planes: Tensor
    picked: Tensor


def predict_grid(
    predict: Callable[[Tensor], Tensor],
    num_regions: int,
    size: tuple[int, int],
    device: torch.device | str | None = None,
) -> Tensor:
    """Evaluate a point predictor on a regular grid.

    Args:
        predict: Maps region coordinates (R, P, 2) to logits (R, P, C).
        num_regions: Number of regions R; may be zero.
        size: Rows and columns of the grid (H, W).
        device: Where the coordinates live.

    Returns:
        Logits, shape (R, C, H, W).
    """
    points = regular_grid(size, device).expand(num_regions, -1, -1)
    return predict(points).transpose(1, 2).unflatten(2, size)


def uncertain_cells(
    uncertainty_map: Tensor, num_points: int, align_corners: bool = False
) -> tuple[Tensor, Tensor]:
    """Pick the least certain cells of a grid (PointRend, Sec. 3.1, inference).

    Args:
        uncertainty_map: Shape (R, H, W), larger where less certain.
        num_points: Cells to pick in each region; all of them when it has fewer.
        align_corners: See :func:`regular_grid`.

    Returns:
        Cells ``y * W + x`` in any order, shape (R, P), int64, and the region coordinates of their
        centres, shape (R, P, 2), float32.
    """
    size = uncertainty_map.shape[1:]
    picked = uncertainty_map.flatten(1).topk(min(num_points, size.numel()), sorted=False).indices
    return picked, regular_grid(size, uncertainty_map.device, align_corners)[picked]


def subdivide(
    predict: Callable[[Tensor], Tensor],
    planes: Tensor,
    steps: int,
    num_points: int,
    align_corners: bool = False,
) -> Iterator[RenderStep]:
    """Refine planes step by step (PointRend, Sec. 3.1, inference).

    Each step doubles the resolution by bilinear interpolation and asks the predictor for the
    ``num_points`` least certain cells of each region only.

    Args:
        predict: Maps region coordinates (R, P, 2) to logits (R, P, C).
        planes: Logits to start from, shape (R, C, H, W). One plane per region (C = 1) is all that
            an instance needs.
        steps: Number of doublings.
        num_points: Cells to predict per step and region; all of them when a plane has fewer.
        align_corners: Whether 0 and 1 are the centres of the outermost cells instead of their
            outer edges. Half the spacing of H cells then makes 2 H - 1 of them, not 2 H, and every
            cell keeps its place.

    Yields:
        The :class:`RenderStep` of every doubling.
    """
    for _ in range(steps):
        size = [2 * side - align_corners for side in planes.shape[2:]]
        planes = F.interpolate(planes, size, mode='bilinear', align_corners=align_corners)
        picked, points = uncertain_cells(uncertainty(planes, dim=1), num_points, align_corners)
        logits = predict(points).transpose(1, 2).to(planes.dtype)  # (R, C, P)
        cells = picked[:, None].expand_as(logits)
        planes = planes.flatten(2).scatter_(2, cells, logits).view_as(planes)
        yield RenderStep(planes, picked)


def render(
    predict: Callable[[Tensor], Tensor],
    planes: Tensor,
    steps: int,
    num_points: int,
    align_corners: bool = False,
) -> Tensor:
    """Refine planes by adaptive subdivision and return the last ones; arguments as in
    :func:`subdivide`.

    Returns:
        Logits, shape (R, C, H * 2**steps, W * 2**steps), where ``align_corners`` makes
        (H - 1) * 2**steps + 1 of H.
    """
    for step in subdivide(predict, planes, steps, num_points, align_corners):
        planes = step.planes
    return planes
