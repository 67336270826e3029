"""Figures of points on plain masks."""

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure

from .figures import _aspect, _panels

NEAR, UNIFORM, WRONG = '#ff7700', '#1f9bff', '#ff2244'


def selection_figure(mask: np.ndarray, panels: Mapping[str, tuple[np.ndarray, int]]) -> Figure:
    """Draw selections of points over a mask, side by side.

    Args:
        mask: Shape (H, W), of any boolean, integer or floating point type.
        panels: Title of each panel to its points, in pixels, shape (P, 2), and how many of them,
            counted from the first, are near the boundary (orange); the others are blue.

    Returns:
        The figure.
    """
    figure, (axes,) = _panels(1, len(panels), _aspect(mask), margin=0.3)
    height, width = mask.shape
    grey = mask.astype(float) - mask.min()
    grey /= max(grey.max(), 1e-12)
    inches = figure.get_figwidth() / len(panels)
    for axis, (title, (points, num_near)) in zip(axes, panels.items(), strict=True):
        _show_grey(axis, grey)
        # Discs that would cover a fifth of the panel side by side, but neither dust nor blots.
        area = 0.2 * (72 * inches) ** 2 * height / width / max(len(points), 1)
        for part, colour in ((points[num_near:], UNIFORM), (points[:num_near], NEAR)):
            axis.scatter(*part.T, s=np.clip(area, 1, 30), color=colour, linewidths=0)
        axis.set(xlim=(0, width), ylim=(height, 0))
        axis.set_title(title, fontsize=13)
    return figure


def mask_errors_figure(panels: Mapping[str, np.ndarray], truth: np.ndarray) -> Figure:
    """Draw masks side by side, red where they differ from the truth.

    Args:
        panels: Title of each panel to its mask, boolean; of another size than the truth, it is
            drawn without errors.
        truth: Shape (H, W), boolean.

    Returns:
        The figure.
    """
    figure, (axes,) = _panels(1, len(panels), _aspect(truth), margin=0.3)
    for axis, (title, mask) in zip(axes, panels.items(), strict=True):
        _show_grey(axis, mask.astype(float))
        if mask.shape == truth.shape:
            height, width = truth.shape
            tinted = np.zeros((height, width, 4))
            tinted[mask != truth] = to_rgba(WRONG)
            axis.imshow(tinted, extent=(0, width, height, 0), interpolation='nearest')
        axis.set_title(title, fontsize=13)
    return figure


def _show_grey(axis: Axes, grey: np.ndarray) -> None:
    """Draw values in [0, 1] as dark to light grey, in continuous pixel coordinates."""
    height, width = grey.shape
    extent = (0, width, height, 0)
    axis.imshow(grey, cmap='gray', vmin=-0.6, vmax=1.3, extent=extent, interpolation='nearest')
