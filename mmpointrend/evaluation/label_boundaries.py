"""The overlap of label maps near the contours of their classes."""

import cv2
import numpy as np

from .boundary_iou import boundary_region


def class_overlap(
    prediction: np.ndarray, truth: np.ndarray, num_classes: int, where: np.ndarray
) -> np.ndarray:
    """Count what the IoU of each class is made of.

    Args:
        prediction: Labels (H, W) in [0, C).
        truth: What to compare with, labels (H, W), in [0, C) where they count.
        num_classes: Number of classes C.
        where: Pixels that count, bool (H, W).

    Returns:
        Pixels in the intersection and in the union of each class, int64 (2, C).
    """
    prediction, truth = prediction[where], truth[where]
    hits, predicted, true = (
        np.bincount(labels, minlength=num_classes)
        for labels in (truth[prediction == truth], prediction, truth)
    )
    return np.stack((hits, predicted + true - hits))


def boundary_overlap(
    prediction: np.ndarray,
    truth: np.ndarray,
    num_classes: int,
    dilation_ratio: float = 0.02,
    ignore_index: int = 255,
) -> np.ndarray:
    """Count what the boundary IoU of each class is made of.

    Args:
        prediction: Labels (H, W) in [0, C).
        truth: What to compare with, labels (H, W) in [0, C), or ``ignore_index``. Such pixels count
            nothing, and where a class ends at them is no contour.
        num_classes: Number of classes C.
        dilation_ratio: Width of a boundary region, as a share of the image's diagonal; see
            :func:`boundary_region`.
        ignore_index: Label of pixels to ignore.

    Returns:
        Pixels in the intersection and in the union of the boundary regions of each class, int64
        (2, C).
    """
    ignored = truth == ignore_index
    overlap = np.zeros((2, num_classes), np.int64)
    for label in np.union1d(prediction[~ignored], truth[~ignored]):
        ours, theirs = (
            boundary_region((labels == label) | ignored, dilation_ratio) & ~ignored
            for labels in (prediction, truth)
        )
        overlap[:, label] = (ours & theirs).sum(), (ours | theirs).sum()
    return overlap


def trimap(labels: np.ndarray, width: int, ignore_index: int = 255) -> np.ndarray:
    """Return the pixels close to where the label changes.

    A trimap is the band in which Kohli et al. (Robust Higher Order Potentials for Enforcing Label
    Consistency, IJCV 2009) evaluate segmentations, for several widths.

    Args:
        labels: Labels (H, W), or ``ignore_index``.
        width: How close, in pixels.
        ignore_index: Label of pixels to ignore; where a class ends at them the label does not
            change.

    Returns:
        Bool (H, W), pixels with another class at most ``width`` pixels away in either direction;
        ignored pixels are none of them.
    """
    ignored = labels == ignore_index
    window = np.ones((2 * width + 1, 2 * width + 1), np.uint8)
    # Ignored pixels are neither the smallest nor the largest label of a window.
    smallest = cv2.erode(np.where(ignored, 32767, labels).astype(np.int16), window)
    largest = cv2.dilate(np.where(ignored, -32768, labels).astype(np.int16), window)
    return (smallest != largest) & ~ignored
