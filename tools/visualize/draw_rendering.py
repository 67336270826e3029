"""Draw where a trained model chooses points: in training, and at every step of subdivision.

Takes an annotated object of the test dataset of the config, whose box stands in for a detection::

    python tools/visualize/draw_rendering.py CONFIG CHECKPOINT --image 3 --output rendering.png
"""

import argparse
from pathlib import Path

import cv2
import torch
from matplotlib.figure import Figure
from mmdet.models.detectors import TwoStageDetector
from mmengine.dataset import pseudo_collate
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner
from torch import Tensor

from mmpointrend.engine import (
    add_launch_arguments,
    check_checkpoint,
    load_config,
    prepared_process,
)
from mmpointrend.models.region_masks import RegionMasks
from mmpointrend.models.roi_heads.mask_branch import MaskBranch, subdivision_of
from mmpointrend.points import region_to_image
from mmpointrend.visualization import rendering_figure, save_figure


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('config', help='config file of an instance model of this package')
    parser.add_argument('checkpoint', help='file or URL')
    parser.add_argument('--image', type=int, default=0, help='index in the test dataset')
    parser.add_argument('--object', type=int, help='index in the image (default: the largest)')
    parser.add_argument('--output', type=Path, default=Path('rendering.png'), help='PNG to write')
    add_launch_arguments(parser)
    return parser.parse_args()


@torch.no_grad()
def draw(model: TwoStageDetector, batch: dict, index: int | None) -> Figure:
    """Draw one object of a batch of one image.

    Args:
        model: Its RoI head is one of this package.
        batch: Inputs and data samples, with ground truth, from the dataset.
        index: The object; None takes the one with the largest box.

    Raises:
        SystemExit: The image has no such object.
    """
    batch = model.data_preprocessor(batch)
    (sample,) = batch['data_samples']
    objects = sample.gt_instances
    boxes = getattr(objects.bboxes, 'tensor', objects.bboxes)
    if index is None:
        index = int((boxes[:, 2:] - boxes[:, :2]).prod(1).argmax()) if len(boxes) else 0
    if not 0 <= index < len(boxes):
        raise SystemExit(
            f'error: {sample.img_path}: found {len(boxes)} objects, not number {index}'
        )
    # Boxes of the annotations are in pixels of the file, the model sees the resized image.
    box, label = boxes[index, None], objects.labels[index, None].to(batch['inputs'].device)
    region = (box * box.new_tensor(sample.scale_factor).repeat(2)).to(label.device)
    branches = model.roi_head.bind(model.extract_feat(batch['inputs']), [region])
    points = training_points(branches[-1], region, label)
    start, steps = subdivision_of(branches, label, model.roi_head.test_cfg)
    share = getattr(branches[-1].head.point_sampler, 'importance_ratio', 0)
    return rendering_figure(
        cv2.cvtColor(cv2.imread(sample.img_path), cv2.COLOR_BGR2RGB),
        box[0].cpu().numpy(),
        region_to_image(points.cpu(), box.cpu())[0].numpy(),
        int(share * points.shape[1]),
        [plane[0, 0].cpu().numpy() for plane in (start, *(step.planes for step in steps))],
        [step.picked[0].cpu().numpy() for step in steps],
    )


def training_points(branch: MaskBranch, region: Tensor, label: Tensor) -> Tensor:
    """The points that a training step would choose, region coordinates (1, P, 2)."""
    # Where dense masks are sampled does not depend on what they have there.
    mask = torch.zeros(1, 1, 1, dtype=torch.uint8, device=region.device)
    masks = RegionMasks([region], [torch.zeros_like(label)], [mask])
    chosen = []
    hook = branch.head.point_sampler.register_forward_hook(
        lambda sampler, inputs, points: chosen.append(points)
    )
    with hook:
        branch.head.loss(
            branch.prediction, label, lambda points: branch.read(branch.rois, points), masks
        )
    return chosen[0]


def main() -> None:
    args = parse_args()
    cfg = load_config(args)
    cfg.load_from = check_checkpoint(args.checkpoint)
    with prepared_process(cfg, args.local_rank):
        runner = Runner.from_cfg(cfg)
        model = runner.model.module if is_model_wrapper(runner.model) else runner.model
        if not hasattr(getattr(model, 'roi_head', None), 'bind'):
            raise SystemExit(f'error: {args.config}: its RoI head renders no points')
        runner.load_or_resume()
        dataset = runner.test_dataloader.dataset
        if not 0 <= args.image < len(dataset):
            raise SystemExit(f'error: --image {args.image}: the dataset has {len(dataset)} images')
        batch = pseudo_collate([dataset[args.image]])
        save_figure(draw(model.eval(), batch, args.object), args.output)
    print(f'Wrote {args.output}')


if __name__ == '__main__':
    main()
