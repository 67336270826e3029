"""The main job from end to end, on a dataset that it makes itself.

Makes toy images, simulates ten labelled points per object, trains Implicit PointRend from the
points alone, measures mask AP against the true masks and writes pictures. It runs the commands that
a user runs on data of their own; an interrupted demo continues where it stopped.
"""

import argparse
import os
import subprocess
import sys
import time
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
import torch
from matplotlib.figure import Figure
from mmdet.models.detectors import TwoStageDetector
from mmengine.config import Config
from mmengine.runner import Runner

from mmpointrend.datasets import PointCocoDataset
from mmpointrend.engine import prepared_process
from mmpointrend.models.roi_heads.mask_branch import subdivision_of
from mmpointrend.visualization import (
    points_figure,
    predictions_figure,
    save_figure,
    subdivision_figure,
)

ROOT = Path(__file__).resolve().parents[1]
CONFIG = ROOT / 'configs/implicit_pointrend/implicit-pointrend_r18-small_fpn_p10_5e_toy.py'
DATA = Path('data/toy')
NUM_TRAIN, NUM_VAL = 1600, 60
NUM_IMAGES = 4  # in a picture
MIN_SCORE = 0.7


def run(*command: str | Path) -> None:
    """Run one of this repository's tools and show the command."""
    shown = [os.path.relpath(part) if isinstance(part, Path) else part for part in command]
    print('\n$ python', *shown, flush=True)
    done = subprocess.run([sys.executable, *map(str, command)])
    if done.returncode:
        raise SystemExit(f'the demo stopped: this command failed (exit code {done.returncode})')


def evaluate(cfg: Config, checkpoint: Path, out: Path) -> dict[str, float]:
    """Measure AP on the validation images and draw what the model learned from and predicts."""
    cfg.load_from = str(checkpoint)
    with prepared_process(cfg, 0):
        runner = Runner.from_cfg(cfg)
        metrics = runner.test()
        loader, model = runner.test_dataloader, runner.model
        with torch.no_grad():
            batches = [model.data_preprocessor(batch) for batch in islice(loader, NUM_IMAGES)]
            save_figure(draw_points(cfg), out / 'points.png')
            predictions = draw_predictions(model, batches, loader.dataset.metainfo['classes'])
            save_figure(predictions, out / 'predictions.png')
            save_figure(draw_subdivision(model, batches), out / 'subdivision.png')
    return metrics


def draw_points(cfg: Config) -> Figure:
    dataset = PointCocoDataset(
        data_root=cfg.data_root,
        ann_file='annotations/instances_train_p10.json',
        data_prefix={'img': 'train/'},
        metainfo=cfg.metainfo,
        pipeline=[
            {'type': 'LoadImageFromFile'},
            {'type': 'mmpointrend.LoadPointAnnotations'},
        ],
    )
    samples = [dataset[i] for i in range(NUM_IMAGES)]
    return points_figure(
        [sample['img'][..., ::-1] for sample in samples],
        [sample['gt_bboxes'].numpy() for sample in samples],
        [sample['gt_masks'].coords for sample in samples],
        [sample['gt_masks'].labels for sample in samples],
    )


def draw_predictions(
    model: TwoStageDetector, batches: list[dict], classes: tuple[str, ...]
) -> Figure:
    images, truth, predicted = [], [], []
    for batch in batches:
        (sample,) = model(**batch, mode='predict')
        images.append(read_rgb(sample.img_path))
        objects, found = sample.gt_instances, sample.pred_instances
        found = found[found.scores > MIN_SCORE]
        truth.append((objects.masks.masks.astype(bool), objects.labels.numpy()))
        predicted.append((found.masks.cpu().numpy(), found.labels.cpu().numpy()))
    return predictions_figure(
        images, {'true masks': truth, f'predicted, score > {MIN_SCORE}': predicted}, classes
    )


def draw_subdivision(model: TwoStageDetector, batches: list[dict]) -> Figure:
    """Draw how the mask of the last image's largest object is refined."""
    batch = batches[-1]
    (sample,) = batch['data_samples']
    # Boxes of the annotations are in pixels of the file, the model sees the resized image.
    boxes, labels = sample.gt_instances.bboxes, sample.gt_instances.labels
    largest = (boxes[:, 2:] - boxes[:, :2]).prod(1).argmax()
    box, label = boxes[largest, None], labels[largest, None].to(batch['inputs'].device)
    region = (box * box.new_tensor(sample.scale_factor).repeat(2)).to(label.device)

    branches = model.roi_head.bind(model.extract_feat(batch['inputs']), [region])
    start, steps = subdivision_of(branches, label, model.roi_head.test_cfg)
    planes = [start, *(step.planes for step in steps)]
    picked = [torch.arange(start.numel())[None], *(step.picked for step in steps)]
    return subdivision_figure(
        read_rgb(sample.img_path),
        box[0].numpy(),
        [plane[0, 0].cpu().numpy() for plane in planes],
        [cells[0].cpu().numpy() for cells in picked],
    )


def read_rgb(path: str) -> np.ndarray:
    return cv2.cvtColor(cv2.imread(path), cv2.COLOR_BGR2RGB)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--work-dir', type=Path, default=Path('work_dirs/demo'))
    work_dir = parser.parse_args().work_dir
    started = time.monotonic()
    tools, annotations = ROOT / 'tools', DATA / 'annotations'
    masks, points = (annotations / f'instances_train{end}.json' for end in ('', '_p10'))
    sizes = ('--num-train', str(NUM_TRAIN), '--num-val', str(NUM_VAL))
    run(tools / 'dataset_tools/make_toy_dataset.py', str(DATA), *sizes)
    run(
        tools / 'dataset_tools/sample_points.py',
        str(masks),
        str(points),
        *('--num-points', '10', '--force'),
    )
    run(tools / 'dataset_tools/validate_points.py', str(points))
    run(tools / 'train.py', CONFIG, '--work-dir', str(work_dir), '--resume')

    cfg = Config.fromfile(CONFIG)
    cfg.work_dir, cfg.launcher = str(work_dir), 'none'
    metrics = evaluate(cfg, work_dir / f'epoch_{cfg.train_cfg.max_epochs}.pth', work_dir)
    minutes = (time.monotonic() - started) / 60
    print(
        f'\nTrained from ten points per object, in {minutes:.1f} minutes.\n'
        f'Mask AP {100 * metrics["coco/segm_mAP"]:.1f}, '
        f'AP50 {100 * metrics["coco/segm_mAP_50"]:.1f} on the validation images\n'
        f'Pictures: {work_dir}/points.png, predictions.png, subdivision.png\n'
        f'Checkpoint and logs: {work_dir}'
    )


if __name__ == '__main__':
    main()
