"""One figure of the two places where points are chosen: in training, and at every step of
subdivision."""

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mmpointrend.points import uncertainty

from .figures import _panels, _show
from .selection import NEAR, UNIFORM


def rendering_figure(
    image: np.ndarray,
    box: np.ndarray,
    points: np.ndarray,
    num_near: int,
    planes: Sequence[np.ndarray],
    picked: Sequence[np.ndarray],
) -> Figure:
    """Draw how one region is trained and rendered.

    The first column has the region, the training points and the mask that is predicted densely;
    every other one a step: how uncertain its interpolated logits are, the cells that it predicts,
    its mask.

    Args:
        image: RGB, shape (H, W, 3), uint8.
        box: The region's corners (x1, y1, x2, y2) in pixels of the image, shape (4,).
        points: Training points in pixels of the image, shape (P, 2).
        num_near: How many of them, from the first, were chosen where the mask is uncertain
            (orange); the others are uniform (blue).
        planes: Logits (H_i, W_i): the dense ones, then those after each step, twice as large each.
        picked: Cells ``y * W_i + x`` that each step predicted, shape (P_i,) each; one less than
            planes.

    Returns:
        The figure.
    """
    aspect = (box[3] - box[1]) / max(box[2] - box[0], 1e-6)
    figure, axes = _panels(3, len(planes), aspect, margin=0.6)
    for axis in axes[:2, 0]:
        _show(axis, image)
        axis.set(xlim=(box[0], box[2]), ylim=(box[3], box[1]))
        axis.set_aspect('auto')
    for part, colour in ((points[num_near:], UNIFORM), (points[:num_near], NEAR)):
        axes[1, 0].scatter(*part.T, s=9, color=colour, edgecolors='black', linewidths=0.3)
    axes[0, 0].set_title('region', fontsize=13)
    axes[1, 0].set_title(f'{len(points)} training points', fontsize=13)
    height, width = planes[0].shape
    axes[2, 0].set_title(f'{width} x {height}, dense', fontsize=13)
    _show_mask(axes[2, 0], planes[0])

    inches = figure.get_figwidth() / len(planes)
    for column, before, plane, cells in zip(
        axes.T[1:], planes[:-1], planes[1:], picked, strict=True
    ):
        height, width = plane.shape
        column[0].imshow(
            _interpolated_uncertainty(before), cmap='inferno', extent=(0, 1, 1, 0), aspect='auto'
        )
        column[0].set_title('uncertainty', fontsize=13)
        for axis in column[1:]:
            _show_mask(axis, plane)
        x, y = (cells % width + 0.5) / width, (cells // width + 0.5) / height
        # As large as a cell, in points of 1/72 inch, but large enough to be seen.
        side = max(0.7 * 72 * inches / width, 1)
        column[1].scatter(x, y, s=side**2, marker='s', color=NEAR, linewidths=0)
        column[1].set_title(f'{len(cells)} points, {_percent(len(cells), plane.size)}', fontsize=13)
        column[2].set_title(f'{width} x {height}', fontsize=13)
    return figure


def _interpolated_uncertainty(plane: np.ndarray) -> np.ndarray:
    """What a step picks its cells by: the uncertainty of logits (H, W) in twice the size."""
    doubled = F.interpolate(
        torch.from_numpy(plane)[None, None], scale_factor=2, mode='bilinear', align_corners=False
    )
    return uncertainty(doubled, dim=1)[0].numpy()


def _show_mask(axis: Axes, plane: np.ndarray) -> None:
    axis.imshow(plane > 0, cmap='gray', vmin=-0.6, vmax=1.3, extent=(0, 1, 1, 0), aspect='auto')


def _percent(part: int, whole: int) -> str:
    """A share with as many digits as it takes not to be 0."""
    share = 100 * part / whole
    return f'{share:.0f}%' if share >= 1 else f'{share:.1g}%'
