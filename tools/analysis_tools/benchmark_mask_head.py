"""Time and memory of PointRend: ours and other libraries', same weights and inputs, one process.

Usage::

    python tools/analysis_tools/benchmark_mask_head.py --device cuda --output table.md

Ours is compared with mmdet's and, where it is installed, with detectron2's; each has a table of its
own. The rows:

* refinement: from features and boxes to the masks of the boxes' classes, coarse mask and
  subdivision;
* prediction: the same, and masks pasted into the image;
* mask loss: forward and backward of the mask branch, two images with dense masks;
* training step: forward and backward of the whole model, R50-FPN, two images; not of detectron2,
  of which only the mask head is built.

Nothing is timed before both sides gave the same masks and losses. Memory is the peak of what a call
holds in tensors beyond what was there before it.
"""

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

import torch
from mmengine.config import Config, ConfigDict

from mmpointrend.annotation import write_text
from mmpointrend.engine import mask_head_sides
from mmpointrend.engine.benchmark import Cost, machine, measure, table_header, table_row, tf32
from mmpointrend.engine.mask_head_sides import Inputs, Side, make_inputs
from mmpointrend.engine.mask_head_sides.ours import TRAINING_STEP

CONFIG = Path(__file__).parents[2] / 'configs/_base_/models/pointrend_r50_fpn.py'
LIBRARIES = ('mmdet', 'detectron2')


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
    parser.add_argument(
        '--skip', choices=LIBRARIES, nargs='+', default=(), help='libraries to leave out'
    )
    parser.add_argument('--output', type=Path, help='Markdown file to write the tables to')
    args = parser.parse_args()
    if args.training_step is None:
        args.training_step = args.device != 'cpu'
    return args


def model_config(num_classes: int) -> ConfigDict:
    """The config of our model, whose settings the others get."""
    config = Config.fromfile(CONFIG).model
    config.roi_head.bbox_head.num_classes = num_classes
    return config


def side_of(library: str) -> ModuleType:
    """The module of a library that is installed."""
    return import_module(f'{mask_head_sides.__name__}.{library}')


@tf32(False)
def check(ours: Side, theirs: Side, works: Sequence[str], inputs: Inputs) -> None:
    """Compare the results of ours and another side.

    Raises:
        SystemExit: When they compute different things.
    """
    for work in works:
        print(f'comparing with {theirs.name}: {work}', file=sys.stderr, flush=True)
        mine, other = (side.run(work, inputs) for side in (ours, theirs))
        if mine.dtype != torch.bool:
            if not torch.allclose(mine, other, rtol=1e-3):
                raise SystemExit(
                    f'error: {work}: losses are {mine.tolist()} (ours) and {other.tolist()} '
                    f'({theirs.name}), expected the same'
                )
            continue
        share = (mine == other).float().mean().item()
        if not share > 0.999:
            raise SystemExit(
                f'error: {work}: {share:.4f} of all pixels are equal in ours and {theirs.name}, '
                'expected more than 0.999'
            )


def free_bytes(device: str) -> int:
    if device != 'cpu':
        return torch.cuda.mem_get_info(device)[0]
    return os.sysconf('SC_AVPHYS_PAGES') * os.sysconf('SC_PAGE_SIZE')


def reason_to_skip(library: str, args: argparse.Namespace) -> str | None:
    """Why a library is left out; None when it is not."""
    if library in args.skip:
        return 'as --skip says'
    if find_spec(library) is None:
        return 'not installed'
    planes = side_of(library).PLANES_PER_CLASS * args.boxes * args.classes
    needed, free = planes * 224**2 * 4, free_bytes(args.device)
    if needed > free:
        return f'its planes of all classes need {needed / 1e9:.1f} GB, {free / 1e9:.1f} GB are free'
    return None


def chosen_works(side: Side, args: argparse.Namespace) -> list[str]:
    """The rows of a table."""
    return [work for work in side.works if work != TRAINING_STEP or args.training_step]


def costs_of(
    work: str, sides: Sequence[Side], inputs: Inputs, args: argparse.Namespace
) -> list[Cost]:
    """Measure a work of the sides, which take turns."""
    dtype = getattr(torch, args.dtype)
    inputs = inputs._replace(features=tuple(level.to(dtype) for level in inputs.features))
    calls = {side.name: partial(side.run, work, inputs) for side in sides}
    with torch.autocast(args.device.partition(':')[0], dtype, enabled=dtype != torch.float32):
        return list(measure(calls, args.device, args.repeat).values())


def compare(library: str, inputs: Inputs, args: argparse.Namespace) -> Iterator[str]:
    """Check ours and a library's, then measure them; yields the lines of their table."""
    config = model_config(args.classes)
    theirs = side_of(library).build(config, args.device)
    ours = mask_head_sides.ours.build(config, args.device, theirs.model.state_dict())
    works = chosen_works(theirs, args)
    check(ours, theirs, works, inputs)
    version = import_module(library).__version__
    yield from ('', f'{library} {version}: same masks and losses on both sides.', '')
    yield from table_header(library)
    for work in works:
        yield table_row(work, *costs_of(work, [ours, theirs], inputs, args))


def measure_alone(inputs: Inputs, args: argparse.Namespace) -> Iterator[str]:
    """Measure ours where nothing is left to compare it with; yields the lines of the table."""
    ours = mask_head_sides.ours.build(model_config(args.classes), args.device)
    yield from ('', *table_header('other'))
    for work in chosen_works(ours, args):
        yield table_row(work, *costs_of(work, [ours], inputs, args))


def report(args: argparse.Namespace) -> Iterator[str]:
    """All lines, each as soon as it is known."""
    torch.manual_seed(0)
    height, width = args.size
    yield machine(args.device)
    yield (
        f'{args.boxes} boxes, {args.classes} classes, {height} x {width}, {args.dtype}, median of '
        f'{args.repeat}.'
    )
    reasons = {library: reason_to_skip(library, args) for library in LIBRARIES}
    yield from (f'{library} left out: {reason}.' for library, reason in reasons.items() if reason)
    compared = [library for library, reason in reasons.items() if reason is None]
    inputs = make_inputs(args.boxes, args.classes, (height, width), args.device)
    for library in compared:
        yield from compare(library, inputs, args)
    if not compared:
        yield from measure_alone(inputs, args)


def main() -> None:
    args = parse_args()
    lines = []
    for line in report(args):
        print(line, flush=True)
        lines.append(line)
    if args.output:
        write_text(args.output, '\n'.join(lines) + '\n')


if __name__ == '__main__':
    main()
