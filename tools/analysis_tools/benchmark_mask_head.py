"""Time and memory of PointRend: ours and mmdet's, same weights and inputs, one process.

Usage::

    python tools/analysis_tools/benchmark_mask_head.py --device cuda --output table.md

The rows of the table:

* refinement: from features and boxes to the logits of the boxes' classes, coarse mask and
  subdivision;
* prediction: the same, and masks pasted into the image;
* mask loss: forward and backward of the mask branch, two images with dense masks;
* training step: forward and backward of the whole model, R50-FPN, two images.

Nothing is timed before both sides gave the same masks and losses. Memory is the peak of what a call
holds in tensors beyond what was there before it.
"""

import argparse
import copy
import math
import os
import sys
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import NamedTuple

import torch
from mmdet.models.task_modules.assigners import AssignResult
from mmdet.models.task_modules.samplers import PseudoSampler, SamplingResult
from mmdet.registry import MODELS
from mmdet.structures import DetDataSample
from mmdet.structures.bbox import bbox2roi
from mmdet.structures.mask import BitmapMasks
from mmengine.config import Config, ConfigDict
from mmengine.registry import DefaultScope
from mmengine.structures import InstanceData
from torch import Tensor, nn

from mmpointrend.annotation import write_text
from mmpointrend.checkpoints import convert
from mmpointrend.engine.benchmark import (
    machine,
    measure,
    random_boxes,
    table_header,
    table_row,
    tf32,
)
from mmpointrend.models import PointRendRoIHead
from mmpointrend.models.roi_heads.mask_branch import joint_point_predictor, render_regions

CONFIG = Path(__file__).parents[2] / 'configs/_base_/models/pointrend_r50_fpn.py'
CHANNELS, STRIDES = 256, (4, 8, 16, 32)
IMAGES, OBJECTS = 2, 10
OURS, MMDET = 'ours', 'mmdet'


class Inputs(NamedTuple):
    """What all works read.

    Attributes:
        features: One map per level, (N, D, H, W) each; predictions read the first image only.
        boxes: Detections in the first image, shape (R, 4).
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


Models = Mapping[str, nn.Module]
Work = Callable[[nn.Module, Inputs], Tensor]


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--device', default='cuda' if torch.cuda.is_available() else 'cpu')
    parser.add_argument('--classes', type=int, default=80)
    parser.add_argument('--boxes', type=int, default=100)
    parser.add_argument('--size', type=int, nargs=2, default=(800, 1216), metavar=('H', 'W'))
    parser.add_argument('--repeat', type=int, default=7)
    parser.add_argument(
        '--dtype',
        default='float32',
        choices=['float32', 'bfloat16', 'float16'],
        help='of features and autocast; masks are compared in float32',
    )
    parser.add_argument(
        '--training-step',
        action=argparse.BooleanOptionalAction,
        help='whether to time the whole model; by default, not on a CPU',
    )
    parser.add_argument('--skip', choices=[MMDET], help='a side to leave out')
    parser.add_argument('--output', type=Path, help='Markdown file to write the table to')
    args = parser.parse_args()
    if args.training_step is None:
        args.training_step = args.device != 'cpu'
    return args


def mmdet_model(ours: ConfigDict) -> ConfigDict:
    """The config of mmdet's PointRend with the settings of ours."""
    model = copy.deepcopy(ours)
    roi_head, rcnn = model.roi_head, model.test_cfg.rcnn
    head, num_classes = roi_head.mask_head, roi_head.bbox_head.num_classes
    loss = {'type': 'CrossEntropyLoss', 'use_mask': True}
    model.type, roi_head.type = 'PointRend', 'PointRendRoIHead'
    roi_head.mask_roi_extractor = {
        'type': 'GenericRoIExtractor',
        'aggregation': 'concat',
        'roi_layer': {'type': 'SimpleRoIAlign', 'output_size': 14},
        'out_channels': head.coarse_head.in_channels,
        'featmap_strides': roi_head.mask_roi_extractor.featmap_strides,
    }
    roi_head.mask_head = {
        'type': 'CoarseMaskHead',
        'num_classes': num_classes,
        'in_channels': head.coarse_head.in_channels,
        'conv_out_channels': head.coarse_head.conv_channels,
        'num_fcs': head.coarse_head.num_fcs,
        'fc_out_channels': head.coarse_head.fc_channels,
        'loss_mask': loss,
    }
    roi_head.point_head = {
        'type': 'MaskPointHead',
        'num_classes': num_classes,
        'in_channels': head.point_head.in_channels,
        'num_fcs': head.point_head.num_fcs,
        'fc_channels': head.point_head.fc_channels,
        'coarse_pred_each_layer': True,
        'loss_point': loss,
    }
    model.train_cfg.rcnn.update(
        mask_size=7,
        num_points=head.point_sampler.num_points,
        oversample_ratio=head.point_sampler.oversample_ratio,
        importance_sample_ratio=head.point_sampler.importance_ratio,
    )
    # mmdet doubles the coarse mask itself until it has the size where ours starts.
    doublings = int(math.log2(rcnn.subdivision_start / 7))
    rcnn.update(subdivision_steps=doublings + rcnn.subdivision_steps, scale_factor=2)
    return model


def build_models(num_classes: int, device: str, with_mmdet: bool = True) -> dict[str, nn.Module]:
    """Build the models of all sides, with the same random weights."""
    cfg = Config.fromfile(CONFIG).model
    cfg.roi_head.bbox_head.num_classes = num_classes
    configs = {MMDET: mmdet_model(cfg)} if with_mmdet else {}
    with DefaultScope.overwrite_default_scope('mmdet'):
        models = {side: MODELS.build(config) for side, config in {**configs, OURS: cfg}.items()}
    for name, parameter in next(iter(models.values())).named_parameters():
        # The usual initialisation gives masks without any edge.
        if parameter.ndim > 1 and ('mask_head' in name or 'point_head' in name):
            nn.init.kaiming_normal_(parameter)
    if with_mmdet:
        ours = models[OURS]
        ours.load_state_dict(convert(models[MMDET].state_dict(), ours.state_dict()).state)
    return {side: model.to(device).train() for side, model in models.items()}


def ellipses(boxes: Tensor, size: tuple[int, int]) -> BitmapMasks:
    """The dense masks of ellipses in boxes (R, 4)."""
    y, x = torch.meshgrid(*[torch.arange(side) + 0.5 for side in size], indexing='ij')
    x1, y1, x2, y2 = boxes[:, :, None, None].unbind(1)
    inside = ((2 * x - x1 - x2) / (x2 - x1)) ** 2 + ((2 * y - y1 - y2) / (y2 - y1)) ** 2 <= 1
    return BitmapMasks(inside.numpy().astype('uint8'), *size)


def random_objects(size: tuple[int, int], num_classes: int, device: str) -> InstanceData:
    boxes = random_boxes(OBJECTS, size)
    return InstanceData(
        bboxes=boxes.to(device),
        labels=torch.randint(num_classes, (OBJECTS,)).to(device),
        masks=ellipses(boxes, size),
    )


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


def make_inputs(args: argparse.Namespace) -> Inputs:
    """Draw the inputs, in float32."""
    height, width = size = tuple(args.size)
    features = tuple(
        torch.randn(IMAGES, CHANNELS, math.ceil(height / stride), math.ceil(width / stride))
        for stride in STRIDES
    )
    truth = [random_objects(size, args.classes, args.device) for _ in range(IMAGES)]
    counts = [(args.boxes + image) // IMAGES for image in range(IMAGES)]
    return Inputs(
        features=tuple(level.to(args.device) for level in features),
        boxes=random_boxes(args.boxes, size).to(args.device),
        labels=torch.randint(args.classes, (args.boxes,)).to(args.device),
        positives=[
            positive_regions(count, objects) for count, objects in zip(counts, truth, strict=True)
        ],
        truth=truth,
        images=[torch.randint(256, (3, *size), dtype=torch.uint8) for _ in range(IMAGES)],
    )


@torch.no_grad()
def refinement(model: nn.Module, inputs: Inputs) -> Tensor:
    """Masks at the last resolution of the subdivision, shape (R, H, W)."""
    head, labels = model.roi_head, inputs.labels
    features = [level[:1] for level in inputs.features]
    if isinstance(head, PointRendRoIHead):
        bind = partial(joint_point_predictor, head.bind(features, [inputs.boxes]), labels)
        return render_regions(bind, len(labels), labels.device, head.test_cfg)[:, 0] > 0
    rois = bbox2roi([inputs.boxes])
    coarse = head._mask_forward(features, rois)['mask_preds']
    planes = head._mask_point_forward_test(features, rois, labels, coarse)
    return planes[torch.arange(len(labels), device=labels.device), labels] > 0


@torch.no_grad()
def prediction(model: nn.Module, inputs: Inputs) -> Tensor:
    """Masks in the image, shape (R, H, W)."""
    features = [level[:1] for level in inputs.features]
    shape = tuple(inputs.images[0].shape[1:])
    meta = {'img_shape': shape, 'ori_shape': shape, 'scale_factor': (1.0, 1.0)}
    detections = InstanceData(bboxes=inputs.boxes.clone(), labels=inputs.labels)
    model.roi_head.predict_mask(features, [meta], [detections], rescale=True)
    return detections.masks


def mask_loss(model: nn.Module, inputs: Inputs) -> Tensor:
    """Losses of the mask branch, shape (2,), after their gradients were computed and dropped."""
    torch.manual_seed(0)
    features = [level.detach().requires_grad_() for level in inputs.features]
    losses = model.roi_head.mask_loss(features, inputs.positives, None, inputs.truth)['loss_mask']
    losses = torch.stack([losses[name].mean() for name in ('loss_mask', 'loss_point')])
    losses.sum().backward()
    model.zero_grad()
    return losses.detach()


def training_step(model: nn.Module, inputs: Inputs) -> Tensor:
    """Loss of the whole model, shape (), after its gradients were computed and dropped."""
    torch.manual_seed(0)
    shape = tuple(inputs.images[0].shape[1:])
    samples = [DetDataSample(metainfo={'img_shape': shape, 'ori_shape': shape}) for _ in range(2)]
    for sample, objects in zip(samples, inputs.truth, strict=True):
        sample.gt_instances = objects
    data = model.data_preprocessor({'inputs': inputs.images, 'data_samples': samples}, True)
    loss, _ = model.parse_losses(model(**data, mode='loss'))
    loss.backward()
    model.zero_grad()
    return loss.detach()


@tf32(False)
def check(models: Models, works: Mapping[str, Work], inputs: Inputs) -> None:
    """Compare the results of the sides.

    Raises:
        SystemExit: When they compute different things.
    """
    for name, work in works.items():
        print(f'comparing: {name}', file=sys.stderr, flush=True)
        ours, theirs = (work(models[side], inputs) for side in (OURS, MMDET))
        if ours.dtype != torch.bool:
            if not torch.allclose(ours, theirs, rtol=1e-3):
                raise SystemExit(
                    f'error: {name}: losses are {ours.tolist()} (ours) and {theirs.tolist()} '
                    '(mmdet), expected the same'
                )
            continue
        share = (ours == theirs).float().mean().item()
        if not share > 0.999:
            raise SystemExit(
                f'error: {name}: {share:.4f} of all pixels are equal, expected more than 0.999'
            )


def all_class_bytes(boxes: int, classes: int) -> int:
    """What mmdet needs at least for a prediction: all planes, and their probabilities."""
    return 2 * boxes * classes * 224**2 * 4


def free_bytes(device: str) -> int:
    if device != 'cpu':
        return torch.cuda.mem_get_info(device)[0]
    return os.sysconf('SC_AVPHYS_PAGES') * os.sysconf('SC_PAGE_SIZE')


def reason_to_skip(args: argparse.Namespace) -> str | None:
    """Why mmdet is left out; None when it is not."""
    if args.skip == MMDET:
        return 'as --skip says'
    needed, free = all_class_bytes(args.boxes, args.classes), free_bytes(args.device)
    if needed > free:
        return f'its planes of all classes need {needed / 1e9:.1f} GB, {free / 1e9:.1f} GB are free'
    return None


def main() -> None:
    args = parse_args()
    torch.manual_seed(0)
    works = {'refinement': refinement, 'prediction': prediction, 'mask loss': mask_loss}
    if args.training_step:
        works['training step'] = training_step
    skipped = reason_to_skip(args)
    models = build_models(args.classes, args.device, with_mmdet=skipped is None)
    inputs = make_inputs(args)
    if skipped is None:
        check(models, works, inputs)
    height, width = args.size
    lines = [
        machine(args.device),
        f'{args.boxes} boxes, {args.classes} classes, {height} x {width}, {args.dtype}, median of '
        f'{args.repeat}. '
        + (f'mmdet left out: {skipped}.' if skipped else 'Same masks and losses on both sides.'),
        '',
        *table_header(MMDET),
    ]
    print(*lines, sep='\n', flush=True)
    dtype = getattr(torch, args.dtype)
    inputs = inputs._replace(features=tuple(level.to(dtype) for level in inputs.features))
    with torch.autocast(args.device.partition(':')[0], dtype, enabled=dtype != torch.float32):
        for name, work in works.items():
            calls = {side: partial(work, model, inputs) for side, model in models.items()}
            costs = measure(calls, args.device, args.repeat)
            lines.append(table_row(name, costs[OURS], costs.get(MMDET)))
            print(lines[-1], flush=True)
    if args.output:
        write_text(args.output, '\n'.join(lines) + '\n')


if __name__ == '__main__':
    main()
