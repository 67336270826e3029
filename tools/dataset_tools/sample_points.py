"""Turn instance masks into point annotations: random points in each box, labelled by the mask."""

import argparse
import gc
from pathlib import Path

from tqdm import tqdm

from mmpointrend.annotation import (
    PointAnnotationError,
    check_files,
    num_cores,
    pack_polygons,
    read_coco,
    simulate_points,
    simulate_points_legacy,
    write_coco,
)


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('instances', type=Path, help='COCO json with masks')
    parser.add_argument('out', type=Path, help='COCO json with points to write')
    parser.add_argument('--num-points', type=int, default=10, help='points per object')
    parser.add_argument(
        '--seed',
        type=int,
        nargs='+',
        default=[0],
        help='same seed, same points; several make a file each: OUT.json becomes OUT_seed0.json, '
        'OUT_seed1.json, ...',
    )
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
    for seed in args.seed:
        if not 0 <= seed < 2**32:
            parser.error(f'--seed: found {seed}, expected an integer in [0, 2**32 - 1]')
    check_files(parser, [args.instances], outputs(args.out, args.seed).values(), args.force)
    return args


def outputs(out: Path, seeds: list[int]) -> dict[int, Path]:
    """Return the file of each seed: OUT for one, OUT with the seed in its name for several."""
    if len(seeds) == 1:
        return {seeds[0]: out}
    return {seed: out.with_name(f'{out.stem}_seed{seed}{out.suffix}') for seed in seeds}


def main() -> None:
    args = parse_args()
    source = str(args.instances)
    try:
        print(f'Reading {source}')
        data, images = read_coco(source, pack_polygons)
        annotations = data.pop('annotations')
        # One seed after the other: the points of several would have to be in memory together.
        for seed, out in outputs(args.out, args.seed).items():
            options = (annotations, images, args.num_points, seed, source)
            if args.legacy_rng:
                simulated = simulate_points_legacy(*options)
            else:
                simulated = simulate_points(*options, workers=args.workers)
            write_coco(out, data, tqdm(simulated, total=len(annotations), unit=' objects'))
            print(f'Wrote {out}')
    except PointAnnotationError as error:
        raise SystemExit(f'error: {error}') from error


if __name__ == '__main__':
    # JSON makes no cycles, and looking for them in millions of objects takes a fifth of the time.
    gc.disable()
    main()
