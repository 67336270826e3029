"""Time and memory of whole models on the images of their test sets, in one process.

Usage::

    python tools/analysis_tools/benchmark_models.py CONFIG CHECKPOINT [CONFIG CHECKPOINT ...]

The models take turns. A time is that of one image, from the loaded and resized image to masks of
its original size, with as many detections as the model makes. Memory is the peak of what a
prediction holds in tensors beyond the model and its image, on the worst of the images.
"""

import argparse
from functools import partial
from pathlib import Path

import torch
from mmdet.apis import init_detector
from mmdet.registry import DATASETS
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from torch import nn

from mmpointrend.annotation import write_text
from mmpointrend.engine import check_checkpoint
from mmpointrend.engine.benchmark import machine, measure


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('models', nargs='+', metavar='CONFIG CHECKPOINT')
    parser.add_argument('--device', default='cuda' if torch.cuda.is_available() else 'cpu')
    parser.add_argument('--images', type=int, default=20, help='the first ones of the test set')
    parser.add_argument('--repeat', type=int, default=3)
    parser.add_argument('--output', type=Path, help='Markdown file to write the table to')
    args = parser.parse_args()
    if len(args.models) % 2:
        parser.error(f'found {len(args.models)} files, expected a checkpoint after every config')
    return args


def load_model(config: str, checkpoint: str, args: argparse.Namespace) -> tuple[nn.Module, list]:
    """The model, and the images of its test set as batches of one."""
    if not Path(config).is_file():
        raise SystemExit(f'error: {config}: there is no such config file')
    cfg = Config.fromfile(config)
    model = init_detector(cfg, check_checkpoint(checkpoint), device=args.device)
    dataset = DATASETS.build(cfg.test_dataloader.dataset)
    if len(dataset) < args.images:
        raise SystemExit(f'error: --images {args.images}: {config} tests on {len(dataset)}')
    return model, [pseudo_collate([dataset[index]]) for index in range(args.images)]


@torch.no_grad()
def predict(model: nn.Module, batches: list[dict]) -> int:
    """Predict image by image, and count the masks."""
    return sum(len(model.test_step(batch)[0].pred_instances.masks) for batch in batches)


def main() -> None:
    args = parse_args()
    calls = {}
    for config, checkpoint in zip(args.models[::2], args.models[1::2], strict=True):
        calls[Path(config).stem] = partial(predict, *load_model(config, checkpoint, args))
    costs = measure(calls, args.device, args.repeat)
    first = next(iter(costs.values()))
    lines = [
        f'{machine(args.device)}, {args.images} images, median of {args.repeat}',
        '',
        '| config | masks an image | ms an image | of the first | MB | of the first |',
        '| --- | ---: | ---: | ---: | ---: | ---: |',
    ]
    for name, cost in costs.items():
        cells = (
            f'`{name}`',
            f'{calls[name]() / args.images:.1f}',
            f'{cost.milliseconds / args.images:.1f}',
            f'{cost.milliseconds / first.milliseconds:.2f}',
            f'{cost.megabytes:.1f}',
            f'{cost.megabytes / first.megabytes:.2f}',
        )
        lines.append(f'| {" | ".join(cells)} |')
    print(*lines, sep='\n')
    if args.output:
        write_text(args.output, '\n'.join(lines) + '\n')


if __name__ == '__main__':
    main()
