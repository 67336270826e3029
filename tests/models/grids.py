"""Points that say all that a mask says inside a box."""

import torch
from mmdet.structures.mask import BitmapMasks
from torch import Tensor

from mmpointrend.points import regular_grid
from mmpointrend.structures import PointMasks


def grids_of_masks(masks: BitmapMasks, side: int) -> tuple[Tensor, PointMasks]:
    """Choose a box of ``side`` x ``side`` pixels for each object, whose cells then are pixels.

    Returns:
        The boxes, shape (N, 4), and the middle of every pixel in them as an annotated point.
    """
    coords, labels, boxes = [], [], []
    for index, mask in enumerate(masks.masks):
        left, top = 8 + 11 * index, 10 - 5 * index
        coords.append(regular_grid((side, side)) * side + torch.tensor([left, top]))
        labels.append(mask[top : top + side, left : left + side].flatten())
        boxes.append([left, top, left + side, top + side])
    points = PointMasks([points.numpy() for points in coords], labels, masks.height, masks.width)
    return torch.tensor(boxes, dtype=torch.float32), points
