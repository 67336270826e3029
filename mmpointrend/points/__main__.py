"""Choose points of a mask in an image file and draw them over it.

The mask is an image of one channel: every value is a label, or a probability with --soft.
Orange points are near its boundary, blue ones uniform.
"""

import argparse
import os
from pathlib import Path

import numpy as np

from .selection import select_mask_points

BESIDE_OUTPUT = Path('.csv')


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog='python -m mmpointrend.points',
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument('mask', type=Path, help='image file')
    parser.add_argument('-o', '--output', type=Path, required=True, help='PNG to write')
    parser.add_argument(
        '--csv',
        type=Path,
        nargs='?',
        const=BESIDE_OUTPUT,
        help='also write the points, x and y in pixels (default: beside OUTPUT, ending in .csv)',
    )
    number = parser.add_mutually_exclusive_group()
    number.add_argument('-n', '--num-points', type=int, help='default: 1000')
    number.add_argument('--density', type=float, help='points per pixel')
    parser.add_argument(
        '--beta', type=float, default=0.75, help='share near the boundary (default: %(default)s)'
    )
    parser.add_argument(
        '--neighborhood',
        type=int,
        default=1,
        help='largest distance to the boundary in pixels (default: %(default)s)',
    )
    parser.add_argument(
        '--soft', action='store_true', help='values are probabilities, 0 to 255 for 0 to 1'
    )
    parser.add_argument('--seed', type=int, default=0, help='same seed, same points')
    args = parser.parse_args()
    if args.num_points is None and args.density is None:
        args.num_points = 1000
    if args.csv is BESIDE_OUTPUT:
        args.csv = args.output.with_suffix('.csv')
    return args


def read_mask(path: Path, soft: bool) -> np.ndarray:
    """Read a mask, shape (H, W): labels as they are in the file, or probabilities in [0, 1].

    Raises:
        SystemExit: There is no such image, or it has several channels or, if ``soft``, more than 8
            bits.
    """
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(path) as image:
            mask = np.asarray(image)
    except FileNotFoundError as error:
        raise SystemExit(f'error: {path}: no such file') from error
    except UnidentifiedImageError as error:
        raise SystemExit(f'error: {path}: found no image, expected one') from error
    if mask.ndim != 2:
        raise SystemExit(f'error: {path}: found {mask.shape[2]} channels, expected one')
    if not soft:
        return mask
    if mask.dtype != np.uint8:
        raise SystemExit(
            f'error: {path}: found values of {mask.dtype}, expected 8 bits with --soft'
        )
    return mask / np.float32(255)


def write_csv(path: Path, points: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f'.{path.name}.{os.getpid()}.partial')
    try:
        np.savetxt(partial, points, '%.9g', ',', header='x,y', comments='')
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def main() -> None:
    args = parse_args()
    try:
        # Not needed by the functions of this package, so that they import without it.
        from mmpointrend.visualization import save_figure, selection_figure

        mask = read_mask(args.mask, args.soft)
    except ModuleNotFoundError as error:
        raise SystemExit(f'error: found no {error.name}: pip install matplotlib') from error
    try:
        points = select_mask_points(
            mask,
            args.num_points,
            density=args.density,
            beta=args.beta,
            neighborhood=args.neighborhood,
            generator=args.seed,
        )
    except ValueError as error:
        raise SystemExit(f'error: {args.mask}: {error}') from error
    num_near = int(args.beta * len(points))
    height, width = mask.shape
    title = f'{width} x {height}: {num_near} near the boundary, {len(points) - num_near} uniform'
    save_figure(selection_figure(mask, {title: (points, num_near)}), args.output)
    if args.csv:
        write_csv(args.csv, points)


if __name__ == '__main__':
    main()
