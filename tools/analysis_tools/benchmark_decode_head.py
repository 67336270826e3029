"""Time and memory of semantic PointRend: ours and mmseg's, same weights and inputs, one process.

Usage::

    python tools/analysis_tools/benchmark_decode_head.py --device cuda --output table.md

The rows of the table:

* prediction: from a coarse map of stride 4 to logits of the size of the image, in two steps;
* step 1, step 2: one doubling each;
* enlarging, picking, point head, writing: what a doubling of ours does, at the size of step 2;
* losses: forward and backward of the point head's losses, two crops of 512 x 1024.

Nothing is timed before both sides gave the same maps and losses. Memory is the peak of what a call
holds in tensors beyond what was there before it.
"""

import argparse
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import NamedTuple

import mmseg
import torch
import torch.nn.functional as F
from mmengine.config import ConfigDict
from mmengine.registry import DefaultScope
from mmengine.structures import PixelData
from mmseg.models.decode_heads import PointHead
from mmseg.structures import SegDataSample
from torch import Tensor, nn

from mmpointrend.annotation import write_text
from mmpointrend.engine.benchmark import machine, measure, table_header, table_row, tf32
from mmpointrend.models import PointRendDecodeHead
from mmpointrend.points import uncertain_cells, uncertainty

CHANNELS, STRIDE, STEPS, NUM_FCS = 256, 4, 2, 3
CROPS, CROP = 2, (512, 1024)
OURS, MMSEG = 'ours', 'mmseg'
LOSS = {'type': 'CrossEntropyLoss', 'avg_non_ignore': True}
SAMPLER = {'num_points': 2048, 'oversample_ratio': 3}

Heads = Mapping[str, nn.Module]


class Inputs(NamedTuple):
    """What the heads read.

    Attributes:
        features: The finest map, shape (N, D, H, W).
        coarse: Coarse logits, shape (N, C, H, W).
        size: Pixels of the image.
        points: Points that a step predicts.
    """

    features: Tensor
    coarse: Tensor
    size: tuple[int, int]
    points: int


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--device', default='cuda' if torch.cuda.is_available() else 'cpu')
    parser.add_argument('--classes', type=int, default=19)
    parser.add_argument('--size', type=int, nargs=2, default=(1024, 2048), metavar=('H', 'W'))
    parser.add_argument('--points', type=int, default=8192, help='predicted at each step')
    parser.add_argument('--repeat', type=int, default=7)
    parser.add_argument('--output', type=Path, help='Markdown file to write the table to')
    return parser.parse_args()


def build_heads(num_classes: int, device: str) -> dict[str, nn.Module]:
    """Build the heads of both sides, with the same random weights."""
    with DefaultScope.overwrite_default_scope('mmseg'):
        theirs = PointHead(
            in_channels=[CHANNELS],
            in_index=[0],
            channels=CHANNELS,
            num_fcs=NUM_FCS,
            num_classes=num_classes,
            dropout_ratio=0,
            loss_decode=LOSS,
        )
        ours = PointRendDecodeHead(
            [CHANNELS],
            [0],
            num_classes,
            point_head={
                'type': 'mmpointrend.StandardPointHead',
                'num_fcs': NUM_FCS,
                'fc_channels': CHANNELS,
            },
            point_sampler={'type': 'mmpointrend.UncertainPointSampler', **SAMPLER},
            loss_decode=LOSS,
        )
    for parameter in theirs.parameters():
        # The usual initialisation changes next to nothing of the coarse map.
        if parameter.ndim > 1:
            nn.init.kaiming_normal_(parameter)
    state = {}
    for key, value in theirs.state_dict().items():
        name = key.replace('.conv.', '.').replace('fc_seg', 'predictor')
        state[f'point_head.{name}'] = value.squeeze(-1) if value.ndim == 3 else value
    ours.load_state_dict(state)
    return {side: head.to(device) for side, head in ((MMSEG, theirs), (OURS, ours))}


def random_inputs(num_images: int, args: argparse.Namespace, size: tuple[int, int]) -> Inputs:
    """Draw the inputs; the coarse logits are smooth, as those of a trained head are."""
    shape = [side // STRIDE for side in size]
    coarse = torch.randn(num_images, args.classes, *[side // 8 for side in shape])
    return Inputs(
        features=torch.randn(num_images, CHANNELS, *shape, device=args.device),
        coarse=F.interpolate(coarse.to(args.device), shape, mode='bilinear'),
        size=size,
        points=args.points,
    )


@torch.no_grad()
def prediction(head: nn.Module, inputs: Inputs, steps: int = STEPS) -> Tensor:
    """Logits after so many doublings, shape (N, C, H, W)."""
    size = [side * 2**steps for side in inputs.coarse.shape[2:]]
    test_cfg = {
        'subdivision_steps': steps,
        'subdivision_num_points': inputs.points,
        'scale_factor': 2,
    }
    meta = [{'img_shape': size}]
    return head.predict([inputs.features], inputs.coarse, meta, ConfigDict(test_cfg))


def losses(head: nn.Module, inputs: Inputs, samples: list[SegDataSample]) -> Tensor:
    """Loss at the points, shape (), after its gradients were computed and dropped."""
    torch.manual_seed(0)
    features, coarse = (
        tensor.detach().requires_grad_() for tensor in (inputs.features, inputs.coarse)
    )
    train_cfg = ConfigDict(SAMPLER, importance_sample_ratio=0.75)
    found = head.loss([features], coarse, samples, train_cfg)
    (loss,) = (value for key, value in found.items() if key.endswith('loss_ce'))
    loss.backward()
    head.zero_grad()
    return loss.detach()


def parts_of_a_step(head: nn.Module, inputs: Inputs) -> dict[str, Callable[[], object]]:
    """What the last doubling of ours does, one call each."""
    size = inputs.size
    half = F.interpolate(inputs.coarse, [side // 2 for side in size], mode='bilinear')
    planes = F.interpolate(half, size, mode='bilinear')
    picked, points = uncertain_cells(uncertainty(planes, dim=1), inputs.points)
    predict = torch.no_grad()(head.point_predictor([inputs.features], inputs.coarse))
    logits = predict(points).transpose(1, 2)
    cells = picked[:, None].expand_as(logits)
    return {
        'enlarging': lambda: F.interpolate(half, size, mode='bilinear'),
        'picking': lambda: uncertain_cells(uncertainty(planes, dim=1), inputs.points),
        'point head': lambda: predict(points),
        'writing': lambda: planes.flatten(2).scatter_(2, cells, logits),
    }


@tf32(False)
def check(heads: Heads, inputs: Inputs, crops: Inputs, samples: list[SegDataSample]) -> None:
    """Compare the results of both sides.

    Raises:
        SystemExit: When they compute different things.
    """
    ours, theirs = (prediction(heads[side], inputs) for side in (OURS, MMSEG))
    same = torch.isclose(ours, theirs, rtol=1e-3, atol=1e-3).all(1).float().mean().item()
    # Cells of equal uncertainty may be picked differently.
    if not same > 0.9999:
        raise SystemExit(f'error: {same:.5f} of all pixels are equal, expected more than 0.9999')
    ours, theirs = (losses(heads[side], crops, samples) for side in (OURS, MMSEG))
    if not torch.allclose(ours, theirs, rtol=1e-3):
        raise SystemExit(f'error: losses are {ours} (ours) and {theirs} (mmseg), expected the same')


def main() -> None:
    args = parse_args()
    torch.manual_seed(0)
    heads = build_heads(args.classes, args.device)
    inputs = random_inputs(1, args, tuple(args.size))
    crops = random_inputs(CROPS, args, CROP)
    labels = torch.randint(args.classes, (CROPS, 1, *CROP), device=args.device)
    samples = [SegDataSample(gt_sem_seg=PixelData(data=label)) for label in labels]
    check(heads, inputs, crops, samples)
    halfway = inputs._replace(coarse=prediction(heads[OURS], inputs, steps=1))
    works: dict[str, dict[str, Callable[[], object]]] = {
        'prediction': {side: partial(prediction, head, inputs) for side, head in heads.items()},
        'step 1': {side: partial(prediction, head, inputs, 1) for side, head in heads.items()},
        'step 2': {side: partial(prediction, head, halfway, 1) for side, head in heads.items()},
        **{part: {OURS: call} for part, call in parts_of_a_step(heads[OURS], inputs).items()},
        'losses': {side: partial(losses, head, crops, samples) for side, head in heads.items()},
    }
    height, width = args.size
    lines = [
        f'{machine(args.device)}, mmseg {mmseg.__version__}',
        f'{args.classes} classes, {height} x {width}, {args.points} points, median of '
        f'{args.repeat}. Same maps and losses on both sides.',
        '',
        *table_header(MMSEG),
    ]
    print(*lines, sep='\n', flush=True)
    for name, calls in works.items():
        costs = measure(calls, args.device, args.repeat)
        lines.append(table_row(name, costs[OURS], costs.get(MMSEG)))
        print(lines[-1], flush=True)
    if args.output:
        write_text(args.output, '\n'.join(lines) + '\n')


if __name__ == '__main__':
    main()
