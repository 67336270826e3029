"""PointINS of a few thousand parameters on either detector, and images to train it on."""

from pathlib import Path

import numpy as np
import torch
from mmdet.registry import MODELS
from mmdet.structures import DetDataSample
from mmdet.structures.mask import BitmapMasks
from mmengine.config import Config
from mmengine.registry import DefaultScope
from mmengine.structures import InstanceData

from mmpointrend.models import PointINS

BASE = Path(__file__).parents[2] / 'configs/_base_/models'
CHANNELS, NUM_CLASSES, STRIDES = 16, 3, [8, 16]


def tiny_point_ins(detector: str, **mask_head) -> PointINS:
    """The model of the configs with two levels and few channels.

    Args:
        detector: 'fcos' or 'retina'.
        **mask_head: Other settings of the mask head.
    """
    model = Config.fromfile(BASE / f'pointins-{detector}_r50_fpn.py').model
    model.backbone.update(
        depth=18,
        base_channels=8,
        num_stages=3,
        strides=(1, 2, 2),
        dilations=(1, 1, 1),
        out_indices=(1, 2),
        frozen_stages=-1,
        norm_eval=False,
        init_cfg=None,
    )
    model.neck.update(in_channels=[16, 32], out_channels=CHANNELS, start_level=0, num_outs=2)
    width = {'in_channels': CHANNELS, 'feat_channels': CHANNELS, 'stacked_convs': 1}
    model.bbox_head.update(num_classes=NUM_CLASSES, **width)
    if detector == 'fcos':
        norm_cfg = {'type': 'GN', 'num_groups': 4}
        ranges = ((-1, 24), (24, 1e8))
        model.bbox_head.update(strides=STRIDES, regress_ranges=ranges, norm_cfg=norm_cfg)
    else:
        model.bbox_head.anchor_generator.strides = STRIDES
    model.mask_head.update(
        {
            'strides': STRIDES,
            'predictor_channels': 8,
            'norm_cfg': {'type': 'GN', 'num_groups': 4},
            **width,
            **mask_head,
        }
    )
    torch.manual_seed(0)
    with DefaultScope.overwrite_default_scope('mmdet'):
        model = MODELS.build(model)
    model.init_weights()
    return model


def image(size: tuple[int, int], boxes: list, labels: list) -> DetDataSample:
    """Ground truth of an image (height, width): boxes, classes, and masks that fill the boxes."""
    masks = np.zeros((len(boxes), *size), np.uint8)
    for mask, (x1, y1, x2, y2) in zip(masks, boxes, strict=True):
        mask[y1:y2, x1:x2] = 1
    sample = DetDataSample(
        metainfo={
            'img_shape': size,
            'ori_shape': (size[0] // 2, size[1] // 2),
            'scale_factor': (2.0, 2.0),
        }
    )
    sample.gt_instances = InstanceData(
        bboxes=torch.tensor(boxes, dtype=torch.float32).view(-1, 4),
        labels=torch.tensor(labels, dtype=torch.int64),
        masks=BitmapMasks(masks, *size),
    )
    return sample


def batch(model: PointINS, samples: list[DetDataSample], training: bool = True) -> dict:
    """A preprocessed batch of random images that belong to the samples."""
    generator = torch.Generator().manual_seed(0)
    inputs = [
        torch.randint(256, (3, *sample.img_shape), dtype=torch.uint8, generator=generator)
        for sample in samples
    ]
    return model.data_preprocessor({'inputs': inputs, 'data_samples': samples}, training)
