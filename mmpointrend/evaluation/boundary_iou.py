"""Boundary IoU: the overlap of two masks near their contours.

Cheng et al., Boundary IoU: Improving Object-Centric Image Segmentation Evaluation, CVPR 2021.
"""

import cv2
import numpy as np


def boundary_iou(
    mask_a: np.ndarray, mask_b: np.ndarray, dilation_ratio: float = 0.02
) -> float | np.ndarray:
    """Return the IoU of the boundary regions of masks.

    Args:
        mask_a: A mask (H, W) or N masks (N, H, W), bool.
        mask_b: What to compare with, of the same shape, mask by mask.
        dilation_ratio: Width of a boundary region, as a share of the image's diagonal.

    Returns:
        The IoU in [0, 1], a float or an array (N,). It is 0 if both masks are empty, as in COCO's
        API. Boundary AP compares the smaller of this and the masks' IoU with its thresholds.

    Raises:
        TypeError: A mask is not bool.
        ValueError: The shapes differ or are neither (H, W) nor (N, H, W).
    """
    if mask_a.shape != mask_b.shape:
        raise ValueError(f'found masks of {mask_a.shape} and {mask_b.shape}, expected one shape')
    region_a = boundary_region(mask_a, dilation_ratio)
    region_b = boundary_region(mask_b, dilation_ratio)
    intersection = (region_a & region_b).sum((-2, -1))
    union = (region_a | region_b).sum((-2, -1))
    iou = intersection / np.maximum(union, 1)
    return float(iou) if iou.ndim == 0 else iou


def boundary_region(mask: np.ndarray, dilation_ratio: float = 0.02) -> np.ndarray:
    """Return the pixels of masks that are close to their contour (Sec. 4 of the paper).

    Args:
        mask: A mask (H, W) or N masks (N, H, W), bool.
        dilation_ratio: The distance, as a share of the image's diagonal.

    Returns:
        Bool, of the mask's shape: pixels of the mask with a pixel outside of it, or of the image,
        at most max(1, round(dilation_ratio * diagonal)) pixels away in either direction.

    Raises:
        TypeError: The mask is not bool.
        ValueError: The shape is neither (H, W) nor (N, H, W).
    """
    if mask.dtype != bool:
        raise TypeError(f'found a mask of {mask.dtype}, expected bool')
    if mask.ndim not in (2, 3):
        raise ValueError(f'found a mask of shape {mask.shape}, expected (H, W) or (N, H, W)')
    if mask.ndim == 3:
        regions = [boundary_region(single, dilation_ratio) for single in mask]
        return np.stack(regions) if regions else mask.copy()
    distance = max(1, round(dilation_ratio * float(np.hypot(*mask.shape))))
    window = np.ones((2 * distance + 1, 2 * distance + 1), np.uint8)
    # What lies outside of the image is no part of the mask.
    interior = cv2.erode(
        mask.astype(np.uint8), window, borderType=cv2.BORDER_CONSTANT, borderValue=0
    )
    return mask & (interior == 0)
