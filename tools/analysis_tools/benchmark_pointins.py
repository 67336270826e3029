"""Time and memory of PointINS-style masks beside Mask R-CNN's mask branch, in one process.

Usage::

    python tools/analysis_tools/benchmark_pointins.py --device cuda

The rows of the table, all with the sizes of the R50 configs and random weights, from features to
mask logits relative to boxes; pasting is the same function for both and left out:

* Mask R-CNN: RoIAlign and the mask head on all boxes;
* decoding, FCOS or RetinaNet: everything that PointINS computes for detections only;
* towers: what it computes for the whole image, whatever the number of detections.

Memory is the peak of what a call holds in tensors beyond its inputs.
"""

import argparse
from collections.abc import Callable
from pathlib import Path

import torch
from mmdet.registry import MODELS
from mmdet.structures.bbox import bbox2roi
from mmengine.config import Config
from mmengine.registry import DefaultScope
from mmengine.structures import InstanceData
from torch import Tensor, nn

from mmpointrend.engine.benchmark import machine, measure, random_boxes

BASE = Path(__file__).parents[2] / 'configs/_base_/models'
CHANNELS = 256
MASK_RCNN, TOWERS = 'Mask R-CNN', 'towers'


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--device', default='cuda' if torch.cuda.is_available() else 'cpu')
    parser.add_argument('--boxes', type=int, default=100)
    parser.add_argument('--size', type=int, nargs=2, default=(800, 1216), metavar=('H', 'W'))
    parser.add_argument('--repeat', type=int, default=7)
    return parser.parse_args()


def features(strides: tuple[int, ...], size: tuple[int, int], device: str) -> list[Tensor]:
    return [
        torch.randn(1, CHANNELS, *(-(-side // stride) for side in size), device=device)
        for stride in strides
    ]


def mask_rcnn(boxes: Tensor, size: tuple[int, int]) -> Callable[[], Tensor]:
    """The mask branch of Mask R-CNN, bound to its inputs."""
    config = Config.fromfile(BASE / 'mask-rcnn_r50_fpn.py').model.roi_head
    extractor = MODELS.build(config.mask_roi_extractor).to(boxes.device)
    config.mask_head.num_classes = config.bbox_head.num_classes
    head = MODELS.build(config.mask_head).to(boxes.device)
    x, rois = features((4, 8, 16, 32), size, str(boxes.device)), bbox2roi([boxes])
    return lambda: head(extractor(x, rois))


def pointins(detector: str, boxes: Tensor, size: tuple[int, int]) -> dict[str, Callable]:
    """The mask head of PointINS, bound to its inputs: what it does for detections, and before."""
    head = MODELS.build(Config.fromfile(BASE / f'pointins-{detector}_r50_fpn.py').model.mask_head)
    head = head.to(boxes.device)
    x = features(head.strides, size, str(boxes.device))
    num_locations = sum(level[0, 0].numel() for level in x)
    count = len(boxes)
    detections = InstanceData(
        pois=torch.randperm(num_locations)[:count].to(boxes.device),
        slots=torch.randint(head.num_slots, (count,)).to(boxes.device),
        bboxes=boxes,
    )
    towers = [head.template_tower, head.weight_tower]
    head.template_tower = head.weight_tower = nn.Identity()
    return {
        f'decoding, {detector}': lambda: head(x, [detections])[0],
        TOWERS: lambda: [tower(level) for tower in towers for level in x],
    }


@torch.no_grad()
def main() -> None:
    args = parse_args()
    torch.manual_seed(0)
    boxes = random_boxes(args.boxes, args.size).to(args.device)
    with DefaultScope.overwrite_default_scope('mmdet'):
        calls = {
            MASK_RCNN: mask_rcnn(boxes, args.size),
            **pointins('fcos', boxes, args.size),
            **pointins('retina', boxes, args.size),
        }
    costs = measure(calls, args.device, args.repeat)
    height, width = args.size
    lines = [
        f'{machine(args.device)}, {args.boxes} boxes, {height} x {width}, median of {args.repeat}',
        '',
        '| | ms | share of Mask R-CNN | MB | share of Mask R-CNN |',
        '| --- |' + ' ---: |' * 4,
    ]
    for name, cost in costs.items():
        pairs = zip(cost, costs[MASK_RCNN], strict=True)
        cells = [f'{value:.1f} | {value / theirs:.3f}' for value, theirs in pairs]
        lines.append(f'| {name} | {" | ".join(cells)} |')
    print(*lines, sep='\n')


if __name__ == '__main__':
    main()
