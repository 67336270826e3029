"""Adaptive subdivision of a plain mask around any function that classifies points."""

from collections.abc import Callable

import torch
from torch import Tensor

from .coordinates import regular_grid
from .rendering import render
from .sampling import sample_maps
from .selection import Mask, as_planes, as_tensor, like_mask


def refine_mask(
    coarse: Mask,
    predict: Callable[[Mask], Mask],
    size: tuple[int, int],
    num_points: int = 28 * 28,
    threshold: float = 0.5,
) -> Mask:
    """Refine a coarse mask with a point-wise predictor (PointRend, Sec. 3.1, inference).

    The coarse mask is doubled by bilinear interpolation until it has the size of the result, once
    at least. After each doubling the predictor gives the scores of the ``num_points`` pixels
    that are closest to the threshold, and of no others. What the coarse mask misses altogether is
    not found.

    Args:
        coarse: Scores, shape (h, w) or (N, h, w): probabilities, labels 0 and 1, logits, distances.
        predict: Maps points to scores of the same kind: (P, 2) to (P,) for a single mask, (N, P, 2)
            to (N, P) for several. Points are (x, y) in continuous pixels of the result. They are
            numpy arrays or tensors, as the coarse mask is.
        size: Height and width of the result (H, W), on the same region as the coarse mask.
        num_points: Pixels to predict per doubling and mask; all when there are fewer.
        threshold: Score of the boundary: 0.5 for probabilities, 0 for logits and signed distances.

    Returns:
        Scores, float32, shape (H, W) or (N, H, W). The mask is where they exceed the threshold.

    Raises:
        ValueError: The coarse mask, the size or what the predictor returns has a wrong shape.
    """
    planes = as_planes(coarse).float()
    height, width = size
    if min(size) < 1:
        raise ValueError(f'size must be two positive numbers, got {size}')
    steps = 1
    while planes.shape[1] << steps < height or planes.shape[2] << steps < width:
        steps += 1
    # Each cell of the first grid becomes a square of pixels. They may reach beyond the result, and
    # are cut off at the end.
    side = 2**steps
    start = (-(-height // side), -(-width // side))
    extent = planes.new_tensor((start[1] * side, start[0] * side))
    inside = planes.new_tensor((width, height))

    def predict_regions(regional: Tensor) -> Tensor:
        points = like_mask(coarse, torch.minimum(regional * extent, inside - 0.5))
        scores = predict(points)
        if scores.shape != points.shape[:-1]:
            raise ValueError(
                f'predict returned shape {tuple(scores.shape)} for points of shape '
                f'{tuple(points.shape)}, expected {tuple(points.shape[:-1])}'
            )
        return as_tensor(scores).float().reshape(*regional.shape[:2], 1) - threshold

    grid = (regular_grid(start, planes.device) * (extent / inside)).expand(len(planes), -1, -1)
    scores = sample_maps(planes[:, None], grid, padding='border').view(-1, 1, *start)
    refined = render(predict_regions, scores - threshold, steps, num_points) + threshold
    return like_mask(coarse, refined[:, 0, :height, :width].contiguous())
