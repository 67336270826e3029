"""Turn instance masks into point annotations: random points in each box, labelled by the mask."""

import argparse
import os
from pathlib import Path

from tqdm import tqdm

from mmpointrend.annotation import (
    PointAnnotationError,
    read_coco,
    simulate_points,
    simulate_points_legacy,
    write_json,
)


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('instances', type=Path, help='COCO json with masks')
    parser.add_argument('out', type=Path, help='COCO json with points to write')
    parser.add_argument('--num-points', type=int, default=10, help='points per object')
    parser.add_argument('--seed', type=int, default=0, help='same seed, same points')
    parser.add_argument(
        '--workers', type=int, default=num_cores(), help='processes (default: one per core)'
    )
    parser.add_argument(
        '--legacy-rng',
        action='store_true',
        help="one stream of numpy's legacy generator over the file, in one process, crowd regions "
        'included: with --seed 12345 the points of the published annotations',
    )
    parser.add_argument('--force', action='store_true', help='replace OUT if it exists')
    args = parser.parse_args()
    if args.num_points < 1:
        parser.error(f'--num-points: found {args.num_points}, expected 1 or more')
    if args.workers < 1:
        parser.error(f'--workers: found {args.workers}, expected 1 or more')
    if not 0 <= args.seed < 2**32:
        parser.error(f'--seed: found {args.seed}, expected an integer in [0, 2**32 - 1]')
    if not args.instances.is_file():
        parser.error(f'{args.instances}: no such file')
    if args.out.exists() and args.out.samefile(args.instances):
        parser.error(f'{args.out}: found the input, expected another file to write')
    if args.out.exists() and not args.force:
        parser.error(f'{args.out}: exists already; --force replaces it')
    return args


def num_cores() -> int:
    """Return the number of cores that this process may use."""
    if hasattr(os, 'sched_getaffinity'):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def main() -> None:
    args = parse_args()
    source = str(args.instances)
    try:
        print(f'Reading {source}')
        data, images = read_coco(source)
        annotations = data.pop('annotations')
        options = (annotations, images, args.num_points, args.seed, source)
        if args.legacy_rng:
            simulated = simulate_points_legacy(*options)
        else:
            simulated = simulate_points(*options, workers=args.workers)
        data['annotations'] = list(tqdm(simulated, total=len(annotations), unit=' objects'))
    except PointAnnotationError as error:
        raise SystemExit(f'error: {error}') from error
    write_json(args.out, data)
    print(f'Wrote {args.out}')


if __name__ == '__main__':
    main()
