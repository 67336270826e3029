"""Turn the folders of the 2018 Data Science Bowl (stage1_train) into a COCO dataset.

Reads SRC/<image id>/images/<image id>.png and SRC/<image id>/masks/*.png (one nucleus each) and
writes OUT/{train,val}/*.png and OUT/annotations/instances_{train,val}.json.
"""

import argparse
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from tqdm import tqdm

from mmpointrend.annotation import mask_annotation, new_folder, write_json


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('src', type=Path, help='stage1_train, with a folder per image')
    parser.add_argument('out', type=Path, help='folder to make')
    parser.add_argument('--val-share', type=float, default=0.3, help='share of images for val')
    parser.add_argument('--seed', type=int, default=0, help='same seed, same split')
    args = parser.parse_args()
    if not 0 < args.val_share < 1:
        parser.error(f'--val-share: found {args.val_share}, expected a number between 0 and 1')
    if args.seed < 0:
        parser.error(f'--seed: found {args.seed}, expected 0 or more')
    if not args.src.is_dir():
        parser.error(f'{args.src}: no such folder')
    return args


def split_ids(ids: list[str], val_share: float, seed: int) -> tuple[list[str], list[str]]:
    """Split image ids at random into train and val, at least one in each, both sorted."""
    if len(ids) < 2:
        raise ValueError(f'found {len(ids)} images, expected at least 2 to split')
    num_val = min(max(round(len(ids) * val_share), 1), len(ids) - 1)
    # Ranks of plain draws: unlike `permutation`, their stream is the same in every numpy.
    order = np.random.default_rng(seed).random(len(ids)).argsort()
    shuffled = [sorted(ids)[index] for index in order]
    return sorted(shuffled[num_val:]), sorted(shuffled[:num_val])


def read_sample(folder: Path) -> tuple[np.ndarray, list[np.ndarray]]:
    """Read one image and its masks.

    Args:
        folder: SRC/<image id>.

    Returns:
        The image, uint8 BGR (H, W, 3), and a bool mask (H, W) per file in ``masks/``, sorted by
        name, empty ones included.

    Raises:
        FileNotFoundError: A folder or the image is missing.
        ValueError: A file is no image, or a mask has another size than its image.
    """
    image = read_png(folder / 'images' / f'{folder.name}.png', cv2.IMREAD_COLOR)
    if not (folder / 'masks').is_dir():
        raise FileNotFoundError(f"{folder}: found no folder 'masks', expected one PNG per nucleus")
    masks = []
    for path in sorted((folder / 'masks').glob('*.png')):
        mask = read_png(path, cv2.IMREAD_GRAYSCALE)
        if mask.shape != image.shape[:2]:
            raise ValueError(
                f'{path}: found a mask of {mask.shape[1]} x {mask.shape[0]}, '
                f"expected the image's {image.shape[1]} x {image.shape[0]}"
            )
        masks.append(mask > 0)
    return image, masks


def read_png(path: Path, mode: int) -> np.ndarray:
    if not path.is_file():
        raise FileNotFoundError(f'{path}: no such file')
    image = cv2.imread(str(path), mode)
    if image is None:
        raise ValueError(f'{path}: found a file that is no image, expected a PNG')
    return image


def write_split(src: Path, out: Path, split: str, ids: list[str]) -> str:
    """Write the images and the annotation file of one split; return a line that says what is in it.

    Raises:
        FileNotFoundError: See ``read_sample``.
        ValueError: See ``read_sample``.
    """
    (out / split).mkdir()
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    num_empty = 0
    for image_id, name in enumerate(tqdm(ids, desc=split, unit=' images'), start=1):
        image, masks = read_sample(src / name)
        if not cv2.imwrite(str(out / split / f'{name}.png'), image):
            raise OSError(f'{out / split / name}.png: could not be written')
        height, width = image.shape[:2]
        images.append(
            {'id': image_id, 'file_name': f'{name}.png', 'width': width, 'height': height}
        )
        for mask in masks:
            if mask.any():
                annotations.append(mask_annotation(mask, len(annotations) + 1, image_id, 1))
            else:
                num_empty += 1
    write_json(
        out / 'annotations' / f'instances_{split}.json',
        {
            'info': {'description': '2018 Data Science Bowl stage1_train, masks as COCO RLE'},
            'images': images,
            'annotations': annotations,
            'categories': [{'id': 1, 'name': 'nucleus'}],
        },
    )
    counts = f'{split}: {len(images)} images, {len(annotations)} nuclei'
    return f'{counts} ({num_empty} empty masks left out)' if num_empty else counts


def main() -> None:
    args = parse_args()
    ids = [p.name for p in args.src.iterdir() if p.is_dir() and not p.name.startswith('.')]
    try:
        train, val = split_ids(ids, args.val_share, args.seed)
        with new_folder(args.out) as out:
            counts = [write_split(args.src, out, 'train', train)]
            counts += [write_split(args.src, out, 'val', val)]
    except (OSError, ValueError) as error:
        raise SystemExit(f'error: {error}') from error
    print('\n'.join([*counts, f'Wrote {args.out}']))


if __name__ == '__main__':
    main()
