"""Convert point annotations between the formats of annotation tools.

IN and OUT are files, for labelme folders. What cannot be taken over, or is alone, is reported line
by line: points without a box, boxes without points, unknown labels, other shapes.
"""

import argparse
import sys
from pathlib import Path

from mmpointrend.annotation import (
    PointAnnotationError,
    check_coco,
    check_files,
    validate_points,
)
from mmpointrend.annotation.formats import FORMATS


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('src', metavar='IN', type=Path, help='file or folder to read')
    parser.add_argument('out', metavar='OUT', type=Path, help='file or folder to write')
    parser.add_argument('--from', dest='src_format', choices=FORMATS, required=True)
    parser.add_argument('--to', dest='out_format', choices=FORMATS, required=True)
    parser.add_argument('--force', action='store_true', help='replace OUT if it is a file')
    args = parser.parse_args()
    if not args.src.exists():
        parser.error(f'{args.src}: no such file or folder')
    if args.out.is_dir():
        parser.error(f'{args.out}: found a folder, expected a new file or folder')
    inputs = [args.src] if args.src.is_file() else []
    check_files(parser, inputs, [args.out], args.force)
    return args


def main() -> None:
    args = parse_args()
    source = str(args.src)
    try:
        coco, notes = FORMATS[args.src_format].read(args.src)
        report = validate_points(coco, check_coco(coco, source), source)
        if report.errors:
            raise PointAnnotationError('\nerror: '.join(report.errors))
    except (PointAnnotationError, OSError) as error:
        raise SystemExit(f'error: {error}') from error
    try:
        FORMATS[args.out_format].write(coco, args.out)
    except PointAnnotationError as error:
        raise SystemExit(f'error: {source}: {error}') from error
    except OSError as error:
        raise SystemExit(f'error: {error}') from error
    for note in notes:
        print(f'note: {note}', file=sys.stderr)
    print(
        f'Wrote {args.out}: {report.num_images} images, {report.num_objects} objects, '
        f'{report.num_points} points; {len(notes)} notes'
    )


if __name__ == '__main__':
    main()
