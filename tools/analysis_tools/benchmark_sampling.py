"""Time reading feature maps at points: ours and ``F.grid_sample``, same input, one process.

Ours reads all images of a batch at once and gives (points, channels), which a linear layer takes.
``F.grid_sample`` needs a loop over images, and its result has to be transposed.
"""

import argparse
from collections.abc import Callable
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor

from mmpointrend.engine.benchmark import measure
from mmpointrend.points import sample_maps


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--device', default='cuda' if torch.cuda.is_available() else 'cpu')
    parser.add_argument('--images', type=int, default=2)
    parser.add_argument('--channels', type=int, default=256)
    parser.add_argument('--size', type=int, nargs=2, default=(200, 304), metavar=('H', 'W'))
    parser.add_argument('--regions', type=int, default=100)
    parser.add_argument('--points', type=int, default=784)
    parser.add_argument('--repeat', type=int, default=9)
    return parser.parse_args()


def by_grid_sample(maps: Tensor, points: Tensor, index: Tensor) -> Tensor:
    sampled = maps.new_empty(*points.shape[:2], maps.shape[1])
    for image in range(len(maps)):
        chosen = index == image
        grid = 2 * points[chosen][None] - 1  # (1, R_i, P, 2)
        read = F.grid_sample(maps[image : image + 1], grid, align_corners=False)
        sampled[chosen] = read[0].permute(1, 2, 0)
    return sampled


def main() -> None:
    args = parse_args()
    torch.manual_seed(0)
    maps = torch.randn(args.images, args.channels, *args.size, device=args.device)
    points = torch.rand(args.regions, args.points, 2, device=args.device)
    # Regions are compact, as boxes are: half the image wide.
    points = points / 2 + torch.rand(args.regions, 1, 2, device=args.device) / 2
    index = torch.arange(args.regions, device=args.device) % args.images
    channels_last = maps.contiguous(memory_format=torch.channels_last)
    difference = (sample_maps(maps, points, index) - by_grid_sample(maps, points, index)).abs()
    print(f'{args.regions} x {args.points} points, {args.channels} channels, {args.device}')
    print(f'largest difference {difference.max():.1e}')

    def backward(read: Callable[..., Tensor], source: Tensor) -> None:
        source = source.detach().requires_grad_()
        read(source, points, index).sum().backward()

    def forward(read: Callable[..., Tensor], source: Tensor) -> None:
        with torch.no_grad():
            read(source, points, index)

    print(f'{"":<22}{"grid_sample":>12}{"ours":>9}{"ratio":>8}   (ms, median of {args.repeat})')
    for name, run, source in (
        ('forward', forward, channels_last),
        ('forward, converting', forward, maps),
        ('forward and backward', backward, channels_last),
    ):
        costs = measure(
            {
                'theirs': partial(run, by_grid_sample, maps),
                'ours': partial(run, sample_maps, source),
            },
            args.device,
            args.repeat,
        )
        theirs, ours = costs['theirs'].milliseconds, costs['ours'].milliseconds
        print(f'{name:<22}{theirs:>12.2f}{ours:>9.2f}{theirs / ours:>8.2f}')


if __name__ == '__main__':
    main()
