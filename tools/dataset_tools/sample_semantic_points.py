"""Thin out label maps of semantic segmentation to a few labelled pixels; all others become 255.

Reads SRC/**/*SUFFIX and writes files of the same names to OUT, in which --num-points pixels of each
class in an image, or of the whole image, keep their label. What a broken run has done is kept in a
folder beside OUT, and the same command continues there.
"""

import argparse
import os
import zlib
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image
from tqdm import tqdm

from mmpointrend.annotation import job_folder, parallel_map, sample_labels


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        'src', type=Path, help='folder of label maps, PNGs of 8 bit, with or without a palette'
    )
    parser.add_argument('out', type=Path, help='folder to make')
    parser.add_argument('--num-points', type=int, default=10, help='labelled pixels to keep')
    parser.add_argument(
        '--per', choices=['class', 'image'], default='class', help='what has --num-points of them'
    )
    parser.add_argument('--seed', type=int, default=0, help='same seed, same pixels')
    parser.add_argument(
        '--suffix',
        default='.png',
        help='end of the names of label maps; _labelTrainIds.png for Cityscapes',
    )
    parser.add_argument(
        '--ignored',
        type=int,
        nargs='*',
        default=[255],
        metavar='LABEL',
        help='labels of no class; 0 255 for ADE20K',
    )
    parser.add_argument('--workers', type=int, help='processes (default: one per core)')
    args = parser.parse_args()
    for option, least in (('num_points', 1), ('seed', 0), ('workers', 1)):
        value = getattr(args, option)
        if value is not None and value < least:
            name = option.replace('_', '-')
            parser.error(f'--{name}: found {value}, expected {least} or more')
    if not args.src.is_dir():
        parser.error(f'{args.src}: no such folder')
    if args.out.exists():
        parser.error(f'{args.out}: exists already, expected a new folder')
    if args.src.resolve() in args.out.resolve().parents:
        parser.error(f'{args.out}: found a folder inside of {args.src}, expected one outside')
    return args


def read_labels(path: Path) -> np.ndarray:
    """Read a label map, shape (H, W), uint8.

    Raises:
        ValueError: The file is no image, or the image is no label map.
    """
    try:
        with Image.open(path) as image:
            mode, labels = image.mode, np.asarray(image)
    # Which of them depends on where the file is broken.
    except (OSError, SyntaxError, ValueError) as error:
        raise ValueError(f'{path}: found no image ({error}), expected 8-bit labels') from error
    # The pixels of an image with a palette are its indices.
    if mode not in ('L', 'P'):
        raise ValueError(f'{path}: found an image of mode {mode}, expected 8-bit labels')
    return labels


def thin_out(name: str, src: Path, out: Path, args: argparse.Namespace) -> None:
    """Write the thinned out label map of this name.

    Raises:
        OSError: The result cannot be written.
        ValueError: The file is no label map.
    """
    # The generator is made of the seed and the name, so that a file never depends on the others.
    rng = np.random.default_rng([args.seed, zlib.crc32(name.encode())])
    labels = read_labels(src / name)
    kept = sample_labels(labels, args.num_points, rng, args.per == 'class', args.ignored)
    path = out / name
    path.parent.mkdir(parents=True, exist_ok=True)
    partial_path = path.with_name(f'{path.stem}.partial.png')
    Image.fromarray(kept).save(partial_path)
    os.replace(partial_path, path)


def main() -> None:
    args = parse_args()
    names = [path.relative_to(args.src).as_posix() for path in args.src.rglob(f'*{args.suffix}')]
    if not names:
        raise SystemExit(f'error: {args.src}: found no file *{args.suffix}')
    job = (str(args.src.resolve()), args.suffix, args.num_points, args.per, args.seed, args.ignored)
    out = job_folder(args.out, *job)
    open_names = [name for name in sorted(names) if not (out / name).exists()]
    work = partial(thin_out, src=args.src, out=out, args=args)
    try:
        done = parallel_map(work, open_names, args.workers)
        num_done = len(names) - len(open_names)
        for _ in tqdm(done, total=len(names), initial=num_done, unit=' images'):
            pass
        out.rename(args.out)
    except (OSError, ValueError) as error:
        raise SystemExit(f'error: {error}') from error
    print(f'Wrote {args.out}: {len(names)} label maps')


if __name__ == '__main__':
    main()
