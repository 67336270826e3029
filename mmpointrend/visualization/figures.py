"""Figures for a README or a notebook: what supervision looks like, what a model predicts, and how a
mask is refined."""

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

OBJECT, BACKGROUND = '#2ee66b', '#ff3355'
COLOURS = np.array(
    [(255, 196, 0), (0, 170, 255), (255, 90, 160), (120, 220, 90), (180, 110, 255), (255, 130, 40)]
)


def points_figure(
    images: Sequence[np.ndarray],
    boxes: Sequence[np.ndarray],
    coords: Sequence[np.ndarray],
    labels: Sequence[np.ndarray],
) -> Figure:
    """Draw annotated points over images, side by side.

    Args:
        images: RGB, shape (H, W, 3), uint8 each.
        boxes: Corners (x1, y1, x2, y2) in pixels, shape (N, 4) each.
        coords: Image coordinates in pixels, shape (N, P, 2) each.
        labels: Shape (N, P) each: 1 object (green disc), 0 background (red cross), -1 not drawn.

    Returns:
        The figure.
    """
    figure, axes = _panels(1, len(images), _aspect(images[0]))
    for axis, *panel in zip(axes[0], images, boxes, coords, labels, strict=True):
        image, image_boxes, image_coords, image_labels = panel
        _show(axis, image)
        for x1, y1, x2, y2 in image_boxes:
            axis.add_patch(
                Rectangle((x1, y1), x2 - x1, y2 - y1, fill=False, color='white', linewidth=0.8)
            )
        for value, marker, colour in ((1, 'o', OBJECT), (0, 'X', BACKGROUND)):
            x, y = image_coords[image_labels == value].T
            axis.scatter(
                x, y, s=26, marker=marker, color=colour, edgecolors='black', linewidths=0.6
            )
    return figure


def predictions_figure(
    images: Sequence[np.ndarray],
    rows: dict[str, Sequence[tuple[np.ndarray, np.ndarray]]],
    classes: Sequence[str],
) -> Figure:
    """Draw masks over images: a column per image, a row per kind of masks.

    Args:
        images: RGB, shape (H, W, 3), uint8 each.
        rows: Title of each row to the masks (N, H, W), boolean, and classes (N,) of every image.
        classes: Names of the classes, for the legend.

    Returns:
        The figure.
    """
    figure, axes = _panels(len(rows), len(images), _aspect(images[0]), margin=0.35)
    for row, (title, results) in zip(axes, rows.items(), strict=True):
        row[0].set_ylabel(title, fontsize=11)
        for axis, image, (masks, labels) in zip(row, images, results, strict=True):
            # In grey, so that the only colours are those of the classes.
            grey = image.mean(2, keepdims=True).repeat(3, 2).astype(np.uint8)
            _show(axis, grey)
            for mask, label in zip(masks, labels, strict=True):
                _overlay(axis, mask, COLOURS[label % len(COLOURS)] / 255)
    handles = [
        Rectangle((0, 0), 1, 1, color=COLOURS[i % len(COLOURS)] / 255) for i in range(len(classes))
    ]
    figure.legend(
        handles, classes, loc='outside lower center', ncols=len(classes), frameon=False, fontsize=11
    )
    return figure


def subdivision_figure(
    image: np.ndarray, box: np.ndarray, planes: Sequence[np.ndarray], picked: Sequence[np.ndarray]
) -> Figure:
    """Draw how a mask is refined: the region, then every step with the points it predicted.

    Args:
        image: RGB, shape (H, W, 3), uint8.
        box: The region's corners (x1, y1, x2, y2) in pixels of the image, shape (4,).
        planes: Logits after each step, shape (H_i, W_i) each; the first is predicted densely.
        picked: Cells ``y * W_i + x`` predicted in each step, shape (P_i,) each.

    Returns:
        The figure.
    """
    aspect = (box[3] - box[1]) / max(box[2] - box[0], 1e-6)
    figure, (axes,) = _panels(1, len(planes) + 1, aspect, margin=0.35)
    _show(axes[0], image)
    axes[0].set(xlim=(box[0], box[2]), ylim=(box[3], box[1]))
    axes[0].set_aspect('auto')
    axes[0].set_title('region', fontsize=10)
    for axis, plane, cells in zip(axes[1:], planes, picked, strict=True):
        height, width = plane.shape
        axis.imshow(plane > 0, cmap='gray', vmin=-0.6, vmax=1.3, extent=(0, 1, 1, 0), aspect='auto')
        if len(cells) < plane.size:
            x, y = (cells % width + 0.5) / width, (cells // width + 0.5) / height
            cell = 72 * figure.get_figwidth() / len(axes) / width  # in points of 1/72 inch
            axis.scatter(x, y, s=(0.7 * cell) ** 2, marker='s', color='#ff7700', linewidths=0)
        share = len(cells) / plane.size
        axis.set_title(f'{width} x {height}: {len(cells)} points, {share:.0%}', fontsize=10)
    return figure


def save_figure(figure: Figure, path: str | Path) -> None:
    """Write a figure as PNG, to a temporary file first.

    Args:
        figure: What to write.
        path: File to make; its folder is made if need be.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f'.{path.name}.tmp')
    figure.savefig(temporary, format='png', dpi=130)
    os.replace(temporary, path)


def _panels(
    rows: int, columns: int, aspect: float, margin: float = 0.0
) -> tuple[Figure, np.ndarray]:
    """A figure of equal panels without ticks; the margin, in inches, is for titles or a legend."""
    height = rows * 12 / columns * aspect + margin
    figure = Figure(figsize=(12, height), layout='constrained')
    FigureCanvasAgg(figure)
    axes = figure.subplots(rows, columns, squeeze=False)
    for axis in axes.flat:
        axis.set(xticks=[], yticks=[])
    return figure, axes


def _aspect(image: np.ndarray) -> float:
    return image.shape[0] / image.shape[1]


def _show(axis: Axes, image: np.ndarray) -> None:
    """Draw an image in its continuous pixel coordinates."""
    height, width = image.shape[:2]
    axis.imshow(image, extent=(0, width, height, 0), interpolation='bicubic')
    axis.set(xlim=(0, width), ylim=(height, 0))


def _overlay(axis: Axes, mask: np.ndarray, colour: np.ndarray) -> None:
    if not mask.any():
        return
    height, width = mask.shape
    tinted = np.zeros((height, width, 4))
    tinted[mask] = (*colour, 0.6)
    axis.imshow(tinted, extent=(0, width, height, 0), interpolation='nearest')
    centres = np.arange(width) + 0.5, np.arange(height) + 0.5
    axis.contour(*centres, mask.astype(float), levels=[0.5], colors=[colour], linewidths=1.4)
