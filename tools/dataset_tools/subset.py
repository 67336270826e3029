"""Keep random images of a dataset: a share of them, or as many as an annotation budget pays for.

The same seed keeps the same images of a mask file and of the points made from it, and a larger
share keeps those of a smaller one.
"""

import argparse
from pathlib import Path

from mmpointrend.annotation import (
    FORMS,
    PointAnnotationError,
    add_history,
    affordable_images,
    check_files,
    keep_images,
    read_coco,
    seconds_per_image,
    shuffled_images,
    write_json,
)
from mmpointrend.annotation.cost import CATEGORIES_SECONDS, SPOTTING_SECONDS


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('annotations', type=Path, help='COCO json, with masks or with points')
    parser.add_argument('out', type=Path, help='COCO json to write')
    size = parser.add_mutually_exclusive_group(required=True)
    size.add_argument('--share', type=float, help='share of the images, 0 to 1')
    size.add_argument('--seconds', type=float, help='budget: seconds of annotation')
    parser.add_argument('--form', choices=FORMS, help='what is annotated; needed with --seconds')
    parser.add_argument(
        '--image-seconds',
        type=float,
        default=CATEGORIES_SECONDS,
        help='seconds to say which classes an image has (default: %(default).1f, as in COCO)',
    )
    parser.add_argument(
        '--object-seconds',
        type=float,
        default=SPOTTING_SECONDS,
        help='seconds to find an object (default: %(default).1f, as in COCO)',
    )
    parser.add_argument('--seed', type=int, default=0, help='same seed, same images')
    parser.add_argument('--force', action='store_true', help='replace OUT if it exists')
    args = parser.parse_args()
    if args.share is not None and not 0 <= args.share <= 1:
        parser.error(f'--share: found {args.share}, expected a number from 0 to 1')
    if (args.seconds is not None) != (args.form is not None):
        parser.error('--form: expected with --seconds, and only there')
    for name in ('seconds', 'image_seconds', 'object_seconds', 'seed'):
        value = getattr(args, name)
        if value is not None and not value >= 0:
            parser.error(f'--{name.replace("_", "-")}: found {value}, expected 0 or more')
    check_files(parser, [args.annotations], [args.out], args.force)
    return args


def main() -> None:
    args = parse_args()
    try:
        data, images = read_coco(args.annotations)
    except PointAnnotationError as error:
        raise SystemExit(f'error: {error}') from error
    chosen = shuffled_images(data, args.seed)
    if args.share is not None:
        chosen = chosen[: round(args.share * len(chosen))]
        step = {'share': args.share, 'seed': args.seed}
        cost = ''
    else:
        try:
            seconds = seconds_per_image(data, args.form, args.image_seconds, args.object_seconds)
        except ValueError as error:
            raise SystemExit(f'error: {args.annotations}: {error}') from error
        chosen = affordable_images(chosen, seconds, args.seconds)
        spent = sum(seconds[image_id] for image_id in chosen)
        step = {'seconds': args.seconds, 'form': args.form, 'seed': args.seed, 'spent': spent}
        step |= {'image_seconds': args.image_seconds, 'object_seconds': args.object_seconds}
        cost = f', {spent:.0f} of {args.seconds:.0f} seconds'
    write_json(args.out, add_history(keep_images(data, chosen), tool='subset', **step))
    print(f'Wrote {args.out}: {len(chosen)} of {len(images)} images{cost}')


if __name__ == '__main__':
    main()
