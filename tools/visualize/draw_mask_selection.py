"""Draw and measure what docs/point_selection.md says, on a shape with an exact boundary.

Writes selection_errors.png, selection_points.png, selection_steps.png and selection_model.png, and
prints the numbers of the page.
"""

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from matplotlib.figure import Figure
from torch import Tensor, nn

from mmpointrend.points import (
    boundary_band,
    predict_grid,
    refine_mask,
    regular_grid,
    select_mask_points,
    subdivide,
)
from mmpointrend.visualization import (
    mask_errors_figure,
    rendering_figure,
    save_figure,
    selection_figure,
)

COARSE, STEPS, NUM_POINTS = 28, 4, 28 * 28
SIDE = COARSE * 2**STEPS
NUM_TRAIN, ITERATIONS, SEEDS = 2000, 600, 3


def shape(points: Tensor) -> Tensor:
    """Logits of a splash with a hole at region coordinates (..., 2), shape (...)."""
    x, y = (points - 0.5).unbind(-1)
    angle, radius = torch.atan2(y, x), torch.hypot(x, y)
    outline = 0.32 + 0.08 * torch.sin(5 * angle + 0.6) + 0.035 * torch.sin(11 * angle)
    hole = torch.hypot(x - 0.06, y + 0.04) - 0.1
    return 40 * torch.minimum(outline - radius, hole)


def dense(size: int) -> np.ndarray:
    return predict_grid(lambda points: shape(points)[..., None], 1, (size, size))[0, 0].numpy()


def enlarged(plane: np.ndarray) -> np.ndarray:
    """A plane in the size of the result, interpolated bilinearly."""
    planes = torch.from_numpy(plane)[None, None]
    return F.interpolate(planes, (SIDE, SIDE), mode='bilinear')[0, 0].numpy()


def draw_errors(truth: np.ndarray, start: np.ndarray) -> Figure:
    predicted = enlarged(start) > 0
    wrong = predicted != truth
    cell = SIDE // COARSE
    inside = wrong[boundary_band(truth, cell)].sum() / wrong.sum()
    print(
        f'{COARSE} x {COARSE} enlarged: {wrong.sum()} of {wrong.size} pixels wrong '
        f'({wrong.mean():.2%}), {inside:.1%} of them within {cell} pixels of the boundary; this '
        f'band is {boundary_band(truth, cell).mean():.1%} of the mask'
    )
    panels = {
        f'truth, {SIDE} x {SIDE}': truth,
        f'{COARSE} x {COARSE} prediction': start > 0,
        f'enlarged; red: wrong, {wrong.mean():.1%}': predicted,
    }
    return mask_errors_figure(panels, truth)


def draw_selections(truth: np.ndarray) -> Figure:
    panels = {}
    for beta in (0, 0.75, 1):
        points = select_mask_points(truth, 1000, beta=beta, neighborhood=4, generator=0)
        panels[f'1000 points, beta = {beta}'] = (points, int(beta * len(points)))
    return selection_figure(truth, panels)


def draw_steps(truth: np.ndarray, start: np.ndarray) -> Figure:
    planes = torch.from_numpy(start)[None, None]
    steps = list(subdivide(lambda p: shape(p)[..., None], planes, STEPS, NUM_POINTS))
    points = select_mask_points(truth, 196, neighborhood=4, generator=0)
    return rendering_figure(
        np.uint8(80 + 135 * truth)[..., None].repeat(3, 2),
        np.array([0, 0, SIDE, SIDE]),
        points,
        int(0.75 * len(points)),
        [start, *(step.planes[0, 0].numpy() for step in steps)],
        [step.picked[0].numpy() for step in steps],
    )


def measure_steps() -> None:
    """Print the points that subdivision predicts, and its errors, against a dense grid."""
    print('size       dense   predicted   share   wrong   wrong when enlarged')
    start = dense(COARSE)
    for steps in range(1, 6):
        size = COARSE * 2**steps
        asked = [start.size]

        def predict(points: Tensor, size: int = size, asked: list = asked) -> Tensor:
            asked.append(len(points))
            return shape(points / size)

        refined = refine_mask(torch.from_numpy(start), predict, (size, size), threshold=0) > 0
        truth = torch.from_numpy(dense(size) > 0)
        planes = torch.from_numpy(start)[None, None]
        wide = F.interpolate(planes, (size, size), mode='bilinear')[0, 0] > 0
        print(
            f'{size:<5}{size**2:>11}{sum(asked):>12}{sum(asked) / size**2:>8.1%}'
            f'{(refined != truth).sum().item():>8}{(wide != truth).sum().item():>12}'
        )


class Implicit(nn.Module):
    """A small network that says of each point, in pixels (P, 2), how far inside it is (P,)."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer('frequencies', torch.randn(2, 64) * 3)
        self.layers = nn.Sequential(
            nn.Linear(128, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 1)
        )

    def forward(self, points: Tensor) -> Tensor:
        angles = 2 * torch.pi * (points / SIDE - 0.5) @ self.frequencies
        return self.layers(torch.cat((angles.sin(), angles.cos()), -1))[:, 0]


def train(truth: np.ndarray, beta: float, seed: int) -> Implicit:
    """Learn a mask from a few of its points, the same ones in every iteration."""
    torch.manual_seed(seed)
    points = select_mask_points(truth, NUM_TRAIN, beta=beta, neighborhood=4, generator=seed)
    x, y = points.astype(int).T
    labels = torch.from_numpy(truth[y, x]).float()
    coords, model = torch.from_numpy(points), Implicit()
    optimizer = torch.optim.Adam(model.parameters(), 3e-3)
    for _ in range(ITERATIONS):
        loss = F.binary_cross_entropy_with_logits(model(coords), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return model.eval()


@torch.no_grad()
def predicted_mask(model: Callable[[Tensor], Tensor]) -> np.ndarray:
    """Render the mask of a model: the coarse one densely, the rest by subdivision."""
    coarse = model(regular_grid((COARSE, COARSE)) * SIDE).view(COARSE, COARSE)
    refined = refine_mask(coarse, model, (SIDE, SIDE), NUM_POINTS, threshold=0)
    return refined.numpy() > 0


def draw_models(truth: np.ndarray) -> Figure:
    print(f'a network trained on {NUM_TRAIN} points ({NUM_TRAIN / truth.size:.1%} of the pixels)')
    panels, band = {}, boundary_band(truth, 8)
    for beta in (0, 0.75, 1):
        masks = [predicted_mask(train(truth, beta, seed)) for seed in range(SEEDS)]
        errors = [mask != truth for mask in masks]
        panels[f'beta = {beta}; red: wrong, {errors[0].mean():.1%}'] = masks[0]
        print(
            f'beta {beta}: wrong in all / within 8 pixels of the boundary / elsewhere: '
            + '; '.join(
                f'{error.mean():.2%} / {error[band].mean():.2%} / {error[~band].mean():.2%}'
                for error in errors
            )
        )
    return mask_errors_figure(panels, truth)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--out', type=Path, default=Path('docs/images'))
    out = parser.parse_args().out
    truth, start = dense(SIDE) > 0, dense(COARSE)
    save_figure(draw_errors(truth, start), out / 'selection_errors.png')
    save_figure(draw_selections(truth), out / 'selection_points.png')
    save_figure(draw_steps(truth, start), out / 'selection_steps.png')
    measure_steps()
    save_figure(draw_models(truth), out / 'selection_model.png')


if __name__ == '__main__':
    main()
