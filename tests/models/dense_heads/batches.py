"""Small batches of every kind of annotation, as a detector hands them to its heads."""

import numpy as np
import torch
from mmdet.structures import DetDataSample
from mmdet.structures.mask import BitmapMasks
from mmengine.structures import InstanceData

from mmpointrend.structures import PointMasks

# Two images of different size, padded to that of the batch.
SIZES = [(60, 90), (64, 72)]
INPUT = (64, 96)
NUM_CLASSES = 3
BOXES = [[8.0, 10.0, 44.0, 50.0], [30.0, 20.0, 70.0, 58.0]]

# What the images of a batch are annotated with; 'no' means an image without any object.
BATCHES = {
    'masks': ('masks', 'masks'),
    'points': ('points', 'points'),
    'masks-and-no-masks': ('masks', 'no masks'),
    'points-and-no-points': ('no points', 'points'),
    'no-masks': ('no masks', 'no masks'),
    'no-points': ('no points', 'no points'),
    'masks-and-points': ('masks', 'points'),
}


def random_masks(num_objects: int, height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 2, (num_objects, height, width), np.uint8)


def bitmaps(masks: np.ndarray) -> BitmapMasks:
    return BitmapMasks(masks, *masks.shape[1:])


def instances(boxes, masks: BitmapMasks | PointMasks) -> InstanceData:
    boxes = torch.tensor(boxes).view(-1, 4)
    return InstanceData(bboxes=boxes, labels=torch.arange(len(boxes)), masks=masks)


def pixel_points(x, y) -> np.ndarray:
    """The centres of pixels, shape (P, 2)."""
    return np.stack((np.ravel(x), np.ravel(y)), 1) + 0.5


def samples(annotations: tuple[str, ...]) -> list[DetDataSample]:
    """The samples of a preprocessed batch, dense masks padded."""
    batch = []
    for index, (annotation, (height, width)) in enumerate(zip(annotations, SIZES, strict=True)):
        boxes = [] if annotation.startswith('no ') else BOXES
        if annotation.endswith('masks'):
            masks = bitmaps(random_masks(len(boxes), height, width, index)).pad(INPUT)
        else:
            # The first object has one point less, and one point lies outside its box.
            coords = [[[20.5, 30.5], [40.5, 40.5]], [[50.5, 30.5], [60.5, 40.5], [0.5, 0.5]]]
            labels = [[1, 0], [1, 0, 0]]
            masks = PointMasks(coords[: len(boxes)], labels[: len(boxes)], height, width)
        sample = DetDataSample(
            metainfo={
                'img_shape': (height, width),
                'ori_shape': (height // 2, width // 2),
                'pad_shape': INPUT,
                'batch_input_shape': INPUT,
                'scale_factor': (2.0, 2.0),
            }
        )
        sample.gt_instances = instances(boxes, masks)
        batch.append(sample)
    return batch


def features(strides: list[int], channels: int, seed: int = 0) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    sizes = [[-(-side // stride) for side in INPUT] for stride in strides]
    return [torch.randn(len(SIZES), channels, *size, generator=generator) for size in sizes]


class Recorder(torch.nn.Module):
    """A loss at points that remembers what it is given."""

    def forward(self, logits, labels, num_points):
        self.logits, self.labels, self.num_points = logits, labels, num_points
        return logits.sum()
