"""Compare the labels of points with masks: the share that agrees, by class and by distance to the
boundary. Prints Markdown tables or JSON.
"""

import argparse
import json
from pathlib import Path

from tqdm import tqdm

from mmpointrend.annotation import (
    PointAnnotationError,
    check_files,
    measure_agreement,
    read_coco,
    reference_points,
)


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('points', type=Path, help='COCO json with points')
    parser.add_argument('masks', type=Path, help='COCO json with masks of the same objects')
    parser.add_argument('--json', action='store_true', help='JSON in place of Markdown')
    args = parser.parse_args()
    check_files(parser, [args.points, args.masks])
    return args


def main() -> None:
    args = parse_args()
    try:
        data, images = read_coco(args.points)
        masks = read_coco(args.masks)
        objects = reference_points(data, images, *masks, str(args.points), str(args.masks))
        total = sum(not ann.get('iscrowd', 0) for ann in data['annotations'])
        progress = tqdm(objects, total=total, unit=' objects')
        agreement = measure_agreement(progress, data['categories'])
    except PointAnnotationError as error:
        raise SystemExit(f'error: {error}') from error
    print(json.dumps(agreement.to_dict(), indent=2) if args.json else agreement)


if __name__ == '__main__':
    main()
