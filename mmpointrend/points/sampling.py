"""What is at a point: feature maps and masks read at continuous coordinates."""

from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from .coordinates import region_to_image
from .uncertainty import uncertainty


def sample_maps(
    maps: Tensor,
    points: Tensor,
    index: Tensor | None = None,
    *,
    mode: str = 'bilinear',
    padding: str = 'zeros',
    align_corners: bool = False,
) -> Tensor:
    """Read maps at points.

    Every group of points names the map that it reads, so that the regions of a whole batch, or the
    objects of an image, are read at once and no map is copied per region. Coordinates are
    float32 under autocast; the weights, computed from them, take the type of the map. The values
    are those of ``F.grid_sample``, with the channels last as a linear layer wants them. Maps in
    ``torch.channels_last`` are read in place; others are converted first, so convert once what is
    read often.

    Args:
        maps: Shape (N, D, H, W). Floating point maps pass gradients; integer and boolean ones
            (masks) are read without a floating point copy of the map.
        points: Coordinates in [0, 1]^2 of the map, finite, shape (R, P, 2).
        index: Map that each group reads, shape (R,), integer; None reads map i for group i (then R
            = N).
        mode: 'bilinear' or 'nearest' (ties go to the even pixel).
        padding: Outside of a map there are 'zeros', or what its 'border' has.
        align_corners: Whether 0 and 1 are the centres of the outermost pixels instead of their
            outer edges.

    Returns:
        Shape (R, P, D), in the type of a floating point map, float32 otherwise.

    Raises:
        ValueError: On an unknown mode or padding, or without ``index`` when R differs from N.
    """
    num_maps, _, height, width = maps.shape
    if mode not in ('bilinear', 'nearest'):
        raise ValueError(f"mode must be 'bilinear' or 'nearest', got {mode!r}")
    if padding not in ('zeros', 'border'):
        raise ValueError(f"padding must be 'zeros' or 'border', got {padding!r}")
    if index is None:
        if len(points) != num_maps:
            raise ValueError(f'{len(points)} groups of points for {num_maps} maps need an index')
        if maps.is_floating_point():
            # Each map is read by its own points only, so there is nothing to gain from converting.
            grid = 2 * points.float()[:, None] - 1  # (R, 1, P, 2)
            values = F.grid_sample(maps.float(), grid, mode, padding, align_corners)
            return values[:, :, 0].transpose(1, 2).to(maps.dtype)
        index = torch.arange(num_maps, device=maps.device)
    x, y = points.float().unbind(-1)
    if align_corners:
        cells = torch.stack((x * (width - 1), y * (height - 1)), -1)
    else:
        cells = torch.stack((x * width, y * height), -1) - 0.5
    return _read_cells(maps, cells, index, mode, padding)


def _read_cells(
    maps: Tensor, cells: Tensor, index: Tensor, mode: str = 'bilinear', padding: str = 'zeros'
) -> Tensor:
    """Read maps at fractional cells (x, y), 0 the centre of the first one, shape (R, P, 2); the
    rest as in :func:`sample_maps`.
    """
    # Few operations, each on both axes or all taps: on a GPU their number counts, not their size.
    channels, height, width = maps.shape[1:]
    if mode == 'nearest':
        taps = cells.round()[..., None]
        weights = torch.ones_like(taps)
    else:
        taps = cells.floor()[..., None] + torch.arange(2, device=cells.device)
        weights = 1 - (cells[..., None] - taps).abs()
    x, y = taps.unbind(2)  # (R, P, T) each
    x_weights, y_weights = weights.unbind(2)
    column, row = x.clamp(0, width - 1), y.clamp(0, height - 1)
    if padding == 'zeros':
        x_weights, y_weights = x_weights * (column == x), y_weights * (row == y)
    row = torch.add(row.long(), index[:, None, None], alpha=height)
    places = torch.add(column.long()[..., None, :], row[..., :, None], alpha=width)
    places = places.flatten(2).flatten(0, 1)  # (R * P, T * T)
    weights = (y_weights[..., :, None] * x_weights[..., None, :]).view_as(places)
    table = maps.permute(0, 2, 3, 1).reshape(-1, channels)  # (N * H * W, D)
    if table.is_floating_point():
        values = F.embedding_bag(
            places, table, per_sample_weights=weights.to(table.dtype), mode='sum'
        )
    else:
        values = (table[places] * weights[..., None]).sum(1)
    return values.view(*cells.shape[:2], channels)


def bilinear_weights(points: Tensor, size: int) -> Tensor:
    """Write the bilinear reading of a small square map as a matrix.

    ``bilinear_weights(points, S) @ maps.flatten(2).mT`` is ``sample_maps(maps, points)``. With few
    cells it costs less, and what is linear may be computed on the cells before the points read
    them.

    Args:
        points: Coordinates in [0, 1]^2 of the map, shape (R, P, 2).
        size: Side of the map S.

    Returns:
        Weight of each cell ``y * S + x`` at each point, shape (R, P, S * S), float32. They sum to
        less than 1 at the border, beyond which there are zeros.
    """
    centres = torch.arange(0.5, size, device=points.device, dtype=torch.float32)
    weights = (1 - (points.float()[..., None] * size - centres).abs()).relu_()
    x, y = weights.unbind(2)  # (R, P, S) each
    return (y[..., :, None] * x[..., None, :]).flatten(-2)


def sample_region_features(
    features: Sequence[Tensor], strides: Sequence[float], rois: Tensor, points: Tensor
) -> Tensor:
    """Read the feature maps of a batch at points of regions (PointRend, Sec. 3.3, fine-grained
    features).

    Args:
        features: One map per level, each (N, D, H, W) with its own H and W.
        strides: Image pixels per map cell, one per level.
        rois: Image index and box corners in pixels (i, x1, y1, x2, y2), shape (R, 5).
        points: Region coordinates, shape (R, P, 2).

    Returns:
        Features of all levels side by side, shape (R, P, sum of D).
    """
    pixels = region_to_image(points, rois[:, 1:])
    image = rois[:, 0].long()
    sampled = [
        _read_cells(level, pixels / stride - 0.5, image)
        for level, stride in zip(features, strides, strict=True)
    ]
    return sampled[0] if len(sampled) == 1 else torch.cat(sampled, -1)


def label_points(masks: Tensor, points: Tensor, index: Tensor) -> Tensor:
    """Label points by dense masks, without a mask per region.

    Args:
        masks: One mask per object, shape (N, H, W), boolean or uint8 in {0, 1}.
        points: Image coordinates in pixels, shape (R, P, 2).
        index: Object of each region, shape (R,).

    Returns:
        Share of the object at each point, bilinear between pixel centres, shape (R, P), float32 in
        [0, 1].
    """
    return _read_cells(masks[:, None], points.float() - 0.5, index)[..., 0]


def uniform_points(
    num_regions: int, num_points: int, device: torch.device | str | None = None
) -> Tensor:
    """Draw points uniformly inside regions.

    Returns:
        Region coordinates, shape (R, P, 2), float32 in [0, 1).
    """
    return torch.rand(num_regions, num_points, 2, device=device)


@torch.no_grad()
def uncertain_points(
    predict: Callable[[Tensor], Tensor],
    num_regions: int,
    num_points: int,
    oversample_ratio: float = 3,
    importance_ratio: float = 0.75,
    device: torch.device | str | None = None,
) -> Tensor:
    """Draw training points where a prediction is uncertain (PointRend, Sec. 3.1, training).

    ``oversample_ratio * num_points`` uniform points are drawn, the most uncertain
    ``importance_ratio * num_points`` of them are kept, and the rest is drawn uniformly. The
    uncertainty is that of the logits *at* the points: picking cells of an uncertainty map would
    place the points between the certain centres of cells.

    Args:
        predict: Maps region coordinates (R, P', 2) to logits (R, P', C).
        num_regions: Number of regions R; may be zero.
        num_points: Points per region P.
        oversample_ratio: Factor k >= 1.
        importance_ratio: Share beta of uncertain points in [0, 1].
        device: Where the points live.

    Returns:
        Region coordinates, shape (R, P, 2), float32, without gradient.

    Raises:
        ValueError: When a ratio is out of its range.
    """
    if oversample_ratio < 1:
        raise ValueError(f'oversample_ratio must be at least 1, got {oversample_ratio}')
    if not 0 <= importance_ratio <= 1:
        raise ValueError(f'importance_ratio must lie in [0, 1], got {importance_ratio}')
    candidates = uniform_points(num_regions, int(num_points * oversample_ratio), device)
    num_uncertain = int(importance_ratio * num_points)
    picked = uncertainty(predict(candidates)).topk(num_uncertain, dim=1).indices
    points = candidates.gather(1, picked[..., None].expand(-1, -1, 2))
    if num_uncertain == num_points:
        return points
    rest = uniform_points(num_regions, num_points - num_uncertain, device)
    return torch.cat((points, rest), 1)
