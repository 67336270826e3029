"""Check a file of point annotations and report what is in it; exit status 1 if it is bad."""

import argparse
from pathlib import Path

from mmpointrend.annotation import (
    PointAnnotationError,
    check_files,
    read_coco,
    validate_points,
)

SHOWN_ERRORS = 10


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('points', type=Path, help='COCO json with points')
    args = parser.parse_args()
    check_files(parser, [args.points])
    return args


def main() -> None:
    source = str(parse_args().points)
    try:
        data, images = read_coco(source)
    except PointAnnotationError as error:
        raise SystemExit(f'error: {error}') from error
    report = validate_points(data, images, source)
    print(report)
    if report.errors:
        shown = '\n'.join(f'error: {error}' for error in report.errors[:SHOWN_ERRORS])
        more = ', the first of them above' if len(report.errors) > SHOWN_ERRORS else ''
        raise SystemExit(f'{shown}\n{len(report.errors)} errors in {source}{more}')


if __name__ == '__main__':
    main()
