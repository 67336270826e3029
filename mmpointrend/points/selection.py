"""Where to look on a plain mask: PointRend's point selection without a network.

Masks are numpy arrays or tensors, (H, W) or (N, H, W), and results are of the same kind on the same
device. Boolean and integer masks hold labels, of which there may be more than two. Floating point
masks hold probabilities in [0, 1]; one that is 0 or 1 everywhere counts as labels, so that a mask
has the same points in every type. Coordinates are continuous pixels ``(x, y)``: pixel (i, j) covers
[j, j + 1) x [i, i + 1).
"""

from collections.abc import Callable
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor

from .sampling import sample_maps
from .uncertainty import uncertainty

Mask = TypeVar('Mask', np.ndarray, Tensor)

# Intermediate results of so many points fit a cache, and many points need no more memory than few.
POINTS_AT_ONCE = 2**14


def select_mask_points(
    mask: Mask,
    num_points: int | None = None,
    *,
    density: float | None = None,
    beta: float = 0.75,
    oversample: float = 3,
    neighborhood: int = 1,
    generator: torch.Generator | int | None = None,
) -> Mask:
    """Choose points of a mask, most of them near its boundary (PointRend, Sec. 3.1, training).

    The first ``int(beta * num_points)`` points are near the boundary, the others uniform. For
    labels, the former are uniform in the :func:`boundary_band`; a mask of one label has no
    boundary, and all its points are uniform. For probabilities, they are the most uncertain of
    ``oversample * num_points`` uniform points, the mask being read bilinearly.

    Args:
        mask: Labels or probabilities, shape (H, W) or (N, H, W).
        num_points: Number of points P per mask; exactly that many are returned.
        density: Points per pixel, in place of ``num_points``; P is rounded to the nearest integer.
        beta: Share of points near the boundary, in [0, 1].
        oversample: Candidates per point, at least 1; for probabilities only.
        neighborhood: Width of the band on each side of the boundary in pixels, at least 1; for
            labels only.
        generator: Where random numbers come from: a seed, a generator, or torch's global one. A
            generator of the CPU gives the same points for a mask on any device.

    Returns:
        Coordinates (x, y) in pixels, inside [0, W) x [0, H), float32, shape (P, 2) or (N, P, 2).

    Raises:
        ValueError: The mask has another shape or probabilities outside of [0, 1], an argument is
            out of its range, or not exactly one of ``num_points`` and ``density`` is given.
    """
    labels = _labels_or_probabilities(mask)
    num_masks, height, width = labels.shape
    if (num_points is None) == (density is None):
        raise ValueError(f'need num_points or density, got {num_points} and {density}')
    if num_points is None:
        num_points = round(density * height * width)
    _check_range('number of points', num_points, 0)
    _check_range('beta', beta, 0, 1)
    _check_range('oversample', oversample, 1)
    if generator is not None and not isinstance(generator, torch.Generator):
        generator = torch.Generator(labels.device).manual_seed(int(generator))
    source = labels.device if generator is None else generator.device

    def random(*shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
        numbers = torch.rand(num_masks, *shape, generator=generator, device=source, dtype=dtype)
        return numbers.to(labels.device)

    num_near = int(beta * num_points)
    points = torch.empty(num_masks, num_points, 2, device=labels.device)
    near, rest = points[:, :num_near], points[:, num_near:]
    size = points.new_tensor((width, height))
    for part in _split(rest):  # views
        part[:] = random(part.shape[1], 2) * size
    if labels.is_floating_point():
        candidates = random(int(oversample * num_points), 2)
        near[:] = _most_uncertain(labels, candidates, num_near) * size
    else:
        _draw_in_band(near, _band(labels, neighborhood), random)
    return like_mask(mask, points)


def boundary_band(mask: Mask, width: int = 1) -> Mask:
    """Find the pixels near a label change.

    Args:
        mask: Labels, shape (H, W) or (N, H, W).
        width: Largest distance to the boundary in pixels, at least 1: the square of ``2 * width +
            1`` pixels around a pixel in the band holds more than one label. The edge of the image
            is no boundary. Costs time in proportion to its logarithm.

    Returns:
        Boolean, shape of the mask.

    Raises:
        ValueError: The mask has another shape or is soft, or ``width`` is less than 1.
    """
    labels = _labels_or_probabilities(mask)
    if labels.is_floating_point():
        raise ValueError('a soft mask has no boundary; compare it with a threshold first')
    return like_mask(mask, _band(labels, width))


def uncertainty_map(soft_mask: Mask) -> Mask:
    """Uncertainty of every pixel, as :func:`uncertainty` defines it for logits.

    Args:
        soft_mask: Probabilities, shape (H, W) or (N, H, W). Labels are certain.

    Returns:
        Minus the distance of the probability from 0.5: 0 where least certain, -0.5 where certain,
        float32, shape of the mask.

    Raises:
        ValueError: The mask has another shape or probabilities outside of [0, 1].
    """
    planes = _labels_or_probabilities(soft_mask)
    if not planes.is_floating_point():
        planes = torch.zeros_like(planes, dtype=torch.float32)
    return like_mask(soft_mask, uncertainty(planes[..., None] - 0.5))


def getpoint(
    mask: Mask,
    k: float,
    beta: float,
    training: bool = True,
    nearest_neighbor: int = 3,
    generator: torch.Generator | int | None = None,
) -> Mask:
    """Choose points of a mask, called as a widespread script for PointRend on plain masks is.

    It stands in for the function of the same name: same arguments, and coordinates in the order
    *(row, column)*, the opposite of everywhere else in this package. It differs where the script
    departs from its description: there are ``int(k * H * W)`` points (the script drops those of the
    ``beta`` share that miss the boundary), they cover the last row and column too, and they come
    as one array.

    Args:
        mask: Shape (H, W): labels in training, an uncertainty otherwise.
        k: Points per pixel.
        beta: Share of points near the boundary, in [0, 1].
        training: Whether to choose points for training; otherwise every pixel above 0.
        nearest_neighbor: As ``neighborhood`` of :func:`select_mask_points`.
        generator: As there.

    Returns:
        In training (row, column) in continuous pixels, shape (P, 2), float32; otherwise the indices
        (i, j) of pixels, shape (P, 2), int64.

    Raises:
        ValueError: The mask is not (H, W), or as :func:`select_mask_points` says.
    """
    if mask.ndim != 2:
        raise ValueError(f'expected a mask of shape (H, W), got {tuple(mask.shape)}')
    if not training:
        return np.argwhere(mask > 0) if isinstance(mask, np.ndarray) else (mask > 0).nonzero()
    points = select_mask_points(
        mask,
        int(k * mask.shape[0] * mask.shape[1]),
        beta=beta,
        neighborhood=nearest_neighbor,
        generator=generator,
    )
    return points[:, [1, 0]]


def _labels_or_probabilities(mask: Mask) -> Tensor:
    """The planes of a mask, (N, H, W): float32 if they are soft, of another type if not."""
    planes = as_planes(mask)
    if not planes.is_floating_point():
        return planes
    low, high = (bound.item() for bound in planes.aminmax()) if planes.numel() else (0, 1)
    if not (low >= 0 and high <= 1):
        raise ValueError(
            f'probabilities must lie in [0, 1], found values from {low:g} to {high:g}; labels must '
            'be of a boolean or integer type'
        )
    is_one = planes == 1
    return is_one if (is_one | (planes == 0)).all() else planes


def as_planes(mask: Mask) -> Tensor:
    """View a mask, or convert it, as a tensor of planes.

    Args:
        mask: Shape (H, W) or (N, H, W), of any boolean, integer or floating point type.

    Returns:
        Shape (N, H, W), with N = 1 for a single mask; floating point values as float32.

    Raises:
        ValueError: The mask has another shape, or no pixels.
    """
    if mask.ndim not in (2, 3) or 0 in mask.shape[-2:]:
        raise ValueError(f'expected a mask (H, W) or (N, H, W), got shape {tuple(mask.shape)}')
    planes = as_tensor(mask)
    return planes[None] if planes.ndim == 2 else planes


def as_tensor(array: Mask) -> Tensor:
    """View an array, or convert it, as a tensor; floating point values become float32."""
    if isinstance(array, np.ndarray):
        # Tensors have neither other byte orders nor long double nor read-only memory.
        dtype = np.float32 if array.dtype.kind == 'f' else array.dtype.newbyteorder('=')
        array = torch.from_numpy(np.require(array, dtype, ('C', 'W')))
    if array.is_floating_point():
        return array.float()
    # torch computes little in the larger unsigned types.
    return array.long() if array.dtype in (torch.uint16, torch.uint32, torch.uint64) else array


def like_mask(mask: Mask, result: Tensor) -> Mask:
    """Return a result per plane, (N, ...), as the kind of array that the mask is; for a single mask
    without the first dimension."""
    if mask.ndim == 2:
        result = result[0]
    return result.numpy() if isinstance(mask, np.ndarray) else result


def _check_range(name: str, value: float, low: float, high: float = float('inf')) -> None:
    if not low <= value <= high:
        expected = f'at least {low}' if high == float('inf') else f'in [{low}, {high}]'
        raise ValueError(f'{name} must be {expected}, got {value}')


def _band(labels: Tensor, width: int) -> Tensor:
    """The band of :func:`boundary_band`, (N, H, W), from labels of this shape."""
    _check_range('width of the band', width, 1)
    # A square holds one label when each of its rows does and its middle column does.
    rows = _spread(_beside_a_change(labels, 2), width - 1, 2)
    column = _spread(_beside_a_change(labels, 1), width - 1, 1)
    return _spread(rows, width, 1) | column


def _beside_a_change(labels: Tensor, dim: int) -> Tensor:
    """Pixels with another label in the next or the previous one along a dimension."""
    last = labels.shape[dim] - 1
    changes = labels.narrow(dim, 1, last) != labels.narrow(dim, 0, last)
    beside = torch.zeros_like(labels, dtype=torch.bool)
    beside.narrow(dim, 1, last).copy_(changes)
    beside.narrow(dim, 0, last).logical_or_(changes)
    return beside


def _spread(flags: Tensor, distance: int, dim: int) -> Tensor:
    """Set what is up to ``distance`` beside a set flag along a dimension."""
    size = flags.shape[dim]
    distance = min(distance, size - 1)
    reached = 0
    while reached < distance:
        # A larger step would leave a gap beside a flag at the edge, which has set one side only.
        step = min(reached + 1, distance - reached)
        spread = flags.clone()
        spread.narrow(dim, step, size - step).logical_or_(flags.narrow(dim, 0, size - step))
        spread.narrow(dim, 0, size - step).logical_or_(flags.narrow(dim, step, size - step))
        flags = spread
        reached += step
    return flags


def _draw_in_band(points: Tensor, band: Tensor, random: Callable[..., Tensor]) -> None:
    """Draw points uniformly in the pixels of a band, or in all the mask where it has none.

    Args:
        points: Where to write them, in pixels, shape (N, P, 2).
        band: Boolean, shape (N, H, W).
        random: Maps a number of points P' and ``dtype`` to uniform numbers in [0, 1), (N, P').
    """
    height, width = band.shape[1:]
    band = band.flatten(1)
    counts = band.sum(1, keepdim=True)
    band, counts = band | (counts == 0), counts.where(counts > 0, height * width)
    pixels = band.view(-1).nonzero()[:, 0].remainder_(height * width)  # of all masks in turn
    first = counts.cumsum(0) - counts
    # In float32 a pixel plus almost 1 could be the next pixel.
    below_one = 1 - max(height, width) * torch.finfo(torch.float32).eps
    for part in _split(points):  # views
        # One draw has the bits for all: the pixel, then 12 for the place across it, the rest for
        # the place along it.
        drawn = random(part.shape[1], dtype=torch.float64).mul_(counts)
        chosen = drawn.long().add_(first)
        pixel = pixels.index_select(0, chosen.view(-1)).view_as(chosen).double()
        row = (pixel / width).floor_()  # several times faster than a division of integers
        place = drawn.frac_().mul_(2**12)
        part[..., 0] = pixel - row * width + place.floor() * (below_one / 2**12)
        part[..., 1] = row + place.frac_() * below_one


def _most_uncertain(probabilities: Tensor, candidates: Tensor, num_points: int) -> Tensor:
    """Pick the candidates, (N, P', 2) in [0, 1)^2, where probabilities, (N, H, W), are closest to
    0.5; shape (N, num_points, 2)."""
    maps = probabilities[:, None]
    parts = [sample_maps(maps, part, padding='border') - 0.5 for part in _split(candidates)]
    picked = uncertainty(torch.cat(parts, 1)).topk(num_points, sorted=False).indices
    return candidates.gather(1, picked[..., None].expand(-1, -1, 2))


def _split(points: Tensor) -> tuple[Tensor, ...]:
    """Split points, (N, P, 2), into parts that are worked on at once."""
    return points.split(max(POINTS_AT_ONCE // max(len(points), 1), 1), dim=1)
