"""Turn the instance masks of PASCAL VOC into COCO json.

Reads VOC's official layout: VOC/ImageSets/Segmentation/{train,val}.txt, and for each image named
there VOC/JPEGImages/*.jpg, VOC/SegmentationObject/*.png and VOC/SegmentationClass/*.png. Writes
OUT/instances_{train,val}.json: an object for each number in SegmentationObject, as compressed RLE,
of the class that most of its pixels have in SegmentationClass. Void pixels (255), the outlines that
VOC draws around its objects, belong to no object.
"""

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from tqdm import tqdm

from mmpointrend.annotation import check_files, mask_annotation, write_json

# In VOC's order: the first is 1 in SegmentationClass.
CLASSES = (
    'aeroplane',
    'bicycle',
    'bird',
    'boat',
    'bottle',
    'bus',
    'car',
    'cat',
    'chair',
    'cow',
    'diningtable',
    'dog',
    'horse',
    'motorbike',
    'person',
    'pottedplant',
    'sheep',
    'sofa',
    'train',
    'tvmonitor',
)
BACKGROUND, VOID = 0, 255
SPLITS = ('train', 'val')


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('voc', type=Path, help='VOCdevkit/VOC2012')
    parser.add_argument('out', type=Path, help='folder for the annotation files')
    parser.add_argument('--force', action='store_true', help='replace files that exist')
    args = parser.parse_args()
    inputs = [split_file(args.voc, split) for split in SPLITS]
    check_files(parser, inputs, [out_file(args.out, split) for split in SPLITS], args.force)
    return args


def split_file(voc: Path, split: str) -> Path:
    return voc / 'ImageSets' / 'Segmentation' / f'{split}.txt'


def out_file(out: Path, split: str) -> Path:
    return out / f'instances_{split}.json'


def read_objects(voc: Path, name: str) -> tuple[np.ndarray, list[tuple[int, int]]]:
    """Read the objects of one image.

    Args:
        voc: The folder with VOC's layout.
        name: The image, as the split's file names it.

    Returns:
        The number of the object at each pixel, uint8 (H, W), and (number, class) of each object,
        the class counted from 1.

    Raises:
        ValueError: A file is missing or broken, or they do not fit together. The message names
            the file.
    """
    photo = voc / 'JPEGImages' / f'{name}.jpg'
    with named_errors(photo), Image.open(photo) as image:
        size = image.size
    path = voc / 'SegmentationObject' / f'{name}.png'
    objects = read_indices(path, size)
    classes = read_indices(voc / 'SegmentationClass' / f'{name}.png', size)
    found = []
    for number in np.setdiff1d(objects, [BACKGROUND, VOID]):
        counts = np.bincount(classes[objects == number], minlength=VOID + 1)
        counts[[BACKGROUND, VOID]] = 0
        label = int(counts.argmax())
        if not 1 <= label <= len(CLASSES):
            raise ValueError(
                f'{path}: found object {number} of class {label} in SegmentationClass, '
                f'expected 1 to {len(CLASSES)}'
            )
        found.append((int(number), label))
    return objects, found


def read_indices(path: Path, size: tuple[int, int]) -> np.ndarray:
    """Read the palette indices of a PNG, uint8 (H, W)."""
    with named_errors(path), Image.open(path) as image:
        if image.mode != 'P':
            raise ValueError(f'{path}: found an image of mode {image.mode}, expected a palette')
        if image.size != size:
            raise ValueError(
                f'{path}: found {image.width} x {image.height} pixels, '
                f"expected the image's {size[0]} x {size[1]}"
            )
        return np.asarray(image)


@contextmanager
def named_errors(path: Path) -> Iterator[None]:
    """Name the file that cannot be read; what Pillow says of a broken image does not."""
    try:
        yield
    except (OSError, SyntaxError, UnicodeDecodeError) as error:
        raise ValueError(f'{path}: cannot be read ({error})') from error


def convert(voc: Path, split: str) -> dict[str, Any]:
    """Return the COCO file of one split.

    Raises:
        ValueError: The split's file is no text, or see ``read_objects``.
    """
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    path = split_file(voc, split)
    with named_errors(path):
        names = path.read_text(encoding='utf-8').split()
    for image_id, name in enumerate(tqdm(names, desc=split, unit=' images'), start=1):
        objects, found = read_objects(voc, name)
        height, width = objects.shape
        images.append(
            {'id': image_id, 'file_name': f'{name}.jpg', 'width': width, 'height': height}
        )
        for number, label in found:
            annotations.append(
                mask_annotation(objects == number, len(annotations) + 1, image_id, label)
            )
    return {
        'info': {'description': f'{voc.name}, {split}, instance masks as COCO RLE'},
        'images': images,
        'annotations': annotations,
        'categories': [{'id': index, 'name': name} for index, name in enumerate(CLASSES, start=1)],
    }


def main() -> None:
    args = parse_args()
    try:
        # All before any is written: files of half the work would be in the way of the next try.
        converted = {split: convert(args.voc, split) for split in SPLITS}
        for split, data in converted.items():
            write_json(out_file(args.out, split), data)
            counts = f'{len(data["images"])} images, {len(data["annotations"])} objects'
            print(f'Wrote {out_file(args.out, split)}: {counts}')
    except (OSError, ValueError) as error:
        raise SystemExit(f'error: {error}') from error


if __name__ == '__main__':
    main()
