"""Flip the labels of a share of all points, random ones or those nearest to the boundary."""

import argparse
from pathlib import Path

import numpy as np
from tqdm import tqdm

from mmpointrend.annotation import (
    PointAnnotationError,
    add_history,
    check_files,
    disturb_labels,
    read_coco,
    reference_points,
    validate_points,
    write_json,
)


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('points', type=Path, help='COCO json with points')
    parser.add_argument('out', type=Path, help='COCO json with wrong labels to write')
    parser.add_argument('--share', type=float, required=True, help='share of all points, 0 to 1')
    parser.add_argument(
        '--where',
        choices=('random', 'boundary'),
        default='random',
        help='random points, or those nearest to the boundary of their object (needs --masks)',
    )
    parser.add_argument('--masks', type=Path, help='COCO json with masks of the same objects')
    parser.add_argument('--seed', type=int, default=0, help='same seed, same labels')
    parser.add_argument('--force', action='store_true', help='replace OUT if it exists')
    args = parser.parse_args()
    if not 0 <= args.share <= 1:
        parser.error(f'--share: found {args.share}, expected a number from 0 to 1')
    if args.seed < 0:
        parser.error(f'--seed: found {args.seed}, expected 0 or more')
    if (args.where == 'boundary') != (args.masks is not None):
        parser.error('--masks: expected with --where boundary, and only there')
    inputs = [args.points] if args.masks is None else [args.points, args.masks]
    check_files(parser, inputs, [args.out], args.force)
    return args


def main() -> None:
    args = parse_args()
    source = str(args.points)
    try:
        data, images = read_coco(source)
        report = validate_points(data, images, source)
        if report.errors:
            raise PointAnnotationError(report.errors[0])
        distances = None
        if args.masks is not None:
            masks = read_coco(args.masks)
            found = reference_points(data, images, *masks, source, str(args.masks))
            objects = tqdm(found, total=report.num_objects, unit=' objects')
            distances = np.concatenate([item.distances for item in objects] or [[]])
    except PointAnnotationError as error:
        raise SystemExit(f'error: {error}') from error
    data = disturb_labels(data, args.share, args.seed, distances)
    num_flipped = round(args.share * report.num_points)
    step = {'share': args.share, 'where': args.where, 'seed': args.seed, 'flipped': num_flipped}
    write_json(args.out, add_history(data, tool='disturb_points', **step))
    print(f'Wrote {args.out}: {num_flipped} of {report.num_points} labels flipped')


if __name__ == '__main__':
    main()
