"""Where points are: regions, images and the regular grid.

Image coordinates are continuous pixels ``(x, y)``: pixel (i, j) covers [j, j + 1) x [i, i + 1), so
its centre is (j + 0.5, i + 0.5). Region coordinates are the same point relative to a box, [0, 1]^2
inside it. Both are float32 always: a half precision coordinate is off by whole pixels on a large
image.
"""

import torch
from torch import Tensor


def regular_grid(
    size: tuple[int, int],
    device: torch.device | str | None = None,
    align_corners: bool = False,
) -> Tensor:
    """Cell centres of a regular grid over a region, row by row.

    Args:
        size: Number of rows and columns (H, W).
        device: Where the result lives.
        align_corners: Whether 0 and 1 are the centres of the outermost cells instead of their
            outer edges, as in :func:`sample_maps`.

    Returns:
        Region coordinates, shape (H * W, 2), float32, inside (0, 1), or [0, 1] with
        ``align_corners``.
    """
    height, width = size
    y, x = (_cell_centres(cells, device, align_corners) for cells in size)
    return torch.stack((x.expand(height, width), y[:, None].expand(height, width)), -1).view(-1, 2)


def _cell_centres(cells: int, device: torch.device | str | None, align_corners: bool) -> Tensor:
    if align_corners:
        return torch.arange(cells, device=device, dtype=torch.float32) / max(cells - 1, 1)
    return torch.arange(0.5, cells, device=device, dtype=torch.float32) / cells


def region_to_image(points: Tensor, boxes: Tensor) -> Tensor:
    """Move points from region to image coordinates.

    Args:
        points: Region coordinates, shape (R, P, 2).
        boxes: Corners (x1, y1, x2, y2) in pixels, shape (R, 4).

    Returns:
        Image coordinates in pixels, shape (R, P, 2), float32.
    """
    corner, size = _corner_and_size(boxes)
    return torch.addcmul(corner, points.float(), size)


def image_to_region(points: Tensor, boxes: Tensor) -> Tensor:
    """Move points from image to region coordinates.

    Args:
        points: Image coordinates in pixels, shape (R, P, 2).
        boxes: Corners (x1, y1, x2, y2) in pixels, shape (R, 4).

    Returns:
        Region coordinates, shape (R, P, 2), float32; outside [0, 1] where a point is outside its
        box, infinite or NaN where a box has no area.
    """
    corner, size = _corner_and_size(boxes)
    return (points.float() - corner) / size


def in_region(points: Tensor) -> Tensor:
    """Tell which points lie inside their region, its border included.

    Args:
        points: Region coordinates, shape (R, P, 2).

    Returns:
        Boolean mask, shape (R, P); False for NaN.
    """
    return ((points >= 0) & (points <= 1)).all(-1)


def _corner_and_size(boxes: Tensor) -> tuple[Tensor, Tensor]:
    corner, opposite = boxes.float()[:, None].split(2, -1)  # (R, 1, 2) each
    return corner, opposite - corner
