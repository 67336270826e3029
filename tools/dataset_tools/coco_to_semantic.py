"""Draw the instances of a COCO file into label maps for semantic segmentation.

Writes OUT/<name of the image>.png: 0 is background, 1 the first category of the file, 2 the second
one and so on; where objects overlap the smallest wins, and crowd regions without another object are
255, which is ignored.
"""

import argparse
from collections import defaultdict
from functools import partial
from pathlib import Path
from typing import Any

from PIL import Image
from tqdm import tqdm

from mmpointrend.annotation import (
    PointAnnotationError,
    check_files,
    draw_labels,
    new_folder,
    parallel_map,
    read_coco,
)

Item = tuple[dict[str, Any], list[dict[str, Any]]]


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('instances', type=Path, help='COCO json with masks')
    parser.add_argument('out', type=Path, help='folder to make')
    parser.add_argument('--workers', type=int, help='processes (default: one per core)')
    args = parser.parse_args()
    if args.workers is not None and args.workers < 1:
        parser.error(f'--workers: found {args.workers}, expected 1 or more')
    check_files(parser, [args.instances])
    return args


def read(path: Path) -> tuple[list[Item], dict[Any, int]]:
    """Read a COCO file.

    Returns:
        Each image with its annotations, and the label of each category id.

    Raises:
        PointAnnotationError: The file is no COCO json, or has more categories than labels, or
            images whose names are not their own or lead out of their folder.
    """
    data, images = read_coco(path)
    labels = {category['id']: i for i, category in enumerate(data['categories'], start=1)}
    if len(labels) > 254:
        raise PointAnnotationError(f'{path}: found {len(labels)} categories, expected at most 254')
    names = {label_name(image) for image in images.values()}
    for name in names:
        if Path(name).is_absolute() or '..' in Path(name).parts:
            raise PointAnnotationError(
                f'{path}: found the image {name!r}, expected a relative path'
            )
    if len(names) < len(images):
        raise PointAnnotationError(
            f'{path}: found {len(images)} images of {len(names)} names, expected one name for each'
        )
    annotations = defaultdict(list)
    for ann in data['annotations']:
        annotations[ann['image_id']].append(ann)
    return [(image, annotations[image_id]) for image_id, image in images.items()], labels


def label_name(image: dict[str, Any]) -> str:
    return f'{Path(image["file_name"]).with_suffix("")}.png'


def write_labels(item: Item, out: Path, labels: dict[Any, int], source: str) -> None:
    image, annotations = item
    path = out / label_name(image)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(draw_labels(annotations, image, labels, source)).save(path)


def main() -> None:
    args = parse_args()
    try:
        items, labels = read(args.instances)
        with new_folder(args.out) as out:
            work = partial(write_labels, out=out, labels=labels, source=str(args.instances))
            done = parallel_map(work, items, args.workers)
            for _ in tqdm(done, total=len(items), unit=' images'):
                pass
    except (OSError, PointAnnotationError) as error:
        raise SystemExit(f'error: {error}') from error
    print(f'Wrote {args.out}: {len(items)} label maps, {len(labels) + 1} classes')


if __name__ == '__main__':
    main()
