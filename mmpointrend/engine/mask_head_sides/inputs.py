"""Random features, boxes and objects, the same for all sides."""

import math
from typing import NamedTuple

import torch
from mmdet.models.task_modules.assigners import AssignResult
from mmdet.models.task_modules.samplers import PseudoSampler, SamplingResult
from mmdet.structures.mask import BitmapMasks
from mmengine.structures import InstanceData
from torch import Tensor

from ..benchmark import random_boxes

CHANNELS, STRIDES = 256, (4, 8, 16, 32)
IMAGES, OBJECTS = 2, 10


class Inputs(NamedTuple):
    """What all works read.

    Attributes:
        features: One map per level, (N, D, H, W) each; predictions read the first image only.
        boxes: Detections in the first image, in pixels, shape (R, 4).
        labels: Their classes, shape (R,).
        positives: Positive regions of each image, R in all.
        truth: Objects of each image with dense masks.
        images: Pixels of each image, uint8, shape (3, H, W).
    """

    features: tuple[Tensor, ...]
    boxes: Tensor
    labels: Tensor
    positives: list[SamplingResult]
    truth: list[InstanceData]
    images: list[Tensor]

    @property
    def size(self) -> tuple[int, int]:
        """Rows and columns of the images."""
        return tuple(self.images[0].shape[1:])

    @property
    def first_image(self) -> list[Tensor]:
        """The features of the first image, (1, D, H, W) each."""
        return [level[:1] for level in self.features]


def make_inputs(num_boxes: int, num_classes: int, size: tuple[int, int], device: str) -> Inputs:
    """Draw the inputs, in float32.

    Args:
        num_boxes: Number of boxes R of a prediction, and of positive regions of a training step.
        num_classes: Number of classes.
        size: Rows and columns of the images.
        device: Where the tensors live; images and dense masks stay on the host.
    """
    height, width = size
    features = tuple(
        torch.randn(IMAGES, CHANNELS, math.ceil(height / stride), math.ceil(width / stride))
        for stride in STRIDES
    )
    truth = [random_objects(size, num_classes, device) for _ in range(IMAGES)]
    counts = [(num_boxes + image) // IMAGES for image in range(IMAGES)]
    return Inputs(
        features=tuple(level.to(device) for level in features),
        boxes=random_boxes(num_boxes, size).to(device),
        labels=torch.randint(num_classes, (num_boxes,)).to(device),
        positives=[
            positive_regions(count, objects) for count, objects in zip(counts, truth, strict=True)
        ],
        truth=truth,
        images=[torch.randint(256, (3, *size), dtype=torch.uint8) for _ in range(IMAGES)],
    )


def random_objects(size: tuple[int, int], num_classes: int, device: str) -> InstanceData:
    """Draw the objects of an image of this size (H, W)."""
    boxes = random_boxes(OBJECTS, size)
    return InstanceData(
        bboxes=boxes.to(device),
        labels=torch.randint(num_classes, (OBJECTS,)).to(device),
        masks=ellipses(boxes, size),
    )


def ellipses(boxes: Tensor, size: tuple[int, int]) -> BitmapMasks:
    """The dense masks of ellipses in boxes (R, 4)."""
    y, x = torch.meshgrid(*[torch.arange(side) + 0.5 for side in size], indexing='ij')
    x1, y1, x2, y2 = boxes[:, :, None, None].unbind(1)
    inside = ((2 * x - x1 - x2) / (x2 - x1)) ** 2 + ((2 * y - y1 - y2) / (y2 - y1)) ** 2 <= 1
    return BitmapMasks(inside.numpy().astype('uint8'), *size)


def positive_regions(count: int, objects: InstanceData) -> SamplingResult:
    """Regions around objects, as mmdet's sampler hands them over."""
    device = objects.bboxes.device
    index = torch.arange(count, device=device) % len(objects)
    boxes = objects.bboxes[index]
    sides = (boxes[:, 2:] - boxes[:, :2]).repeat(1, 2)
    boxes = boxes + 0.1 * sides * (torch.rand(count, 4).to(device) - 0.5)
    assigned = AssignResult(
        len(objects), index + 1, torch.ones(count, device=device), objects.labels[index]
    )
    return PseudoSampler().sample(assigned, InstanceData(priors=boxes), objects)
