"""Make a small instance segmentation dataset: five crisp, non-convex shapes on textured grounds.

Writes OUT/{train,val}/*.png and OUT/annotations/instances_{train,val}.json. Shapes overlap, later
ones cover earlier ones, and colours say nothing about the class.
"""

import argparse
import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from tqdm import tqdm

from mmpointrend.annotation import mask_annotation, new_folder, write_json

# A shape is drawn this many times larger and then averaged: smooth edges, coverage per pixel.
# fillPoly also fills the cells its outline crosses, so 8 keeps the mask within 0.1 pixels of it.
SUPERSAMPLE = 8
RADIUS = (0.13, 0.28)  # of the image side
NUM_OBJECTS = (2, 6)
MIN_VISIBLE_SHARE = 0.6
MIN_VISIBLE_AREA = 64  # pixels
MAX_TRIES = 60

Outline = list[np.ndarray]  # closed polylines (P, 2) in the unit circle, filled by even-odd


def arc(radius: float, start: float, stop: float, centre: tuple[float, float]) -> np.ndarray:
    """Return 64 points (64, 2) on an arc; angles in radians."""
    angles = np.linspace(start, stop, 64)
    return radius * np.stack([np.cos(angles), np.sin(angles)], axis=1) + centre


def star() -> Outline:
    angles = np.arange(10) * np.pi / 5
    radii = np.where(np.arange(10) % 2 == 0, 1.0, 0.42)
    return [np.stack([radii * np.cos(angles), radii * np.sin(angles)], axis=1)]


def ring() -> Outline:
    return [arc(0.9, 0, 2 * np.pi, (0, 0)), arc(0.5, 0, 2 * np.pi, (0, 0))]


def crescent() -> Outline:
    """The unit disk without a disk of radius 0.8 around (0.48, 0)."""
    # Where the circles meet: x^2 + y^2 = 1 and (x - 0.48)^2 + y^2 = 0.64.
    x = (1 - 0.64 + 0.48**2) / (2 * 0.48)
    y = np.sqrt(1 - x**2)
    outer, inner = np.arctan2(y, x), np.arctan2(y, x - 0.48)
    return [
        np.concatenate(
            [
                arc(1.0, outer, 2 * np.pi - outer, (0, 0)),
                arc(0.8, 2 * np.pi - inner, inner, (0.48, 0)),
            ]
        )
    ]


def cross() -> Outline:
    a, b = 0.3, 0.95
    arm = np.array([[b, -a], [b, a], [a, a]])
    quarter = np.array([[0, 1], [-1, 0]])  # (x, y) -> (-y, x)
    return [np.concatenate([arm @ np.linalg.matrix_power(quarter, k) for k in range(4)])]


def arrow() -> Outline:
    half = np.array([[-0.95, 0.22], [0.1, 0.22], [0.1, 0.72], [1.0, 0.0]])
    return [np.concatenate([half, half[-2::-1] * (1, -1)])]


SHAPES = {'star': star, 'ring': ring, 'crescent': crescent, 'cross': cross, 'arrow': arrow}


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('out', type=Path, help='folder to make')
    parser.add_argument('--num-train', type=int, default=200, help='training images')
    parser.add_argument('--num-val', type=int, default=50, help='validation images')
    parser.add_argument('--size', type=int, default=128, help='image side in pixels')
    parser.add_argument('--seed', type=int, default=0, help='same seed, same dataset')
    args = parser.parse_args()
    for name, value, least in (
        ('--num-train', args.num_train, 1),
        ('--num-val', args.num_val, 1),
        ('--size', args.size, 64),
        ('--seed', args.seed, 0),
    ):
        if value < least:
            parser.error(f'{name}: found {value}, expected {least} or more')
    return args


def coverage(
    outline: Outline, centre: np.ndarray, radius: float, angle: float, size: int
) -> np.ndarray:
    """Return how much of each pixel a shape covers, float32 (size, size) in [0, 1].

    Args:
        outline: The shape in the unit circle.
        centre: Where it goes, (x, y) in continuous pixels.
        radius: Its size in pixels.
        angle: Its rotation in radians.
        size: Image side in pixels.
    """
    cos, sin = np.cos(angle), np.sin(angle)
    turn = radius * np.array([[cos, sin], [-sin, cos]])
    # fillPoly's coordinates name pixel centres and have 4 fractional bits here (shift=4).
    lines = [
        np.round(((line @ turn + centre) * SUPERSAMPLE - 0.5) * 16).astype(np.int32)
        for line in outline
    ]
    canvas = np.zeros((size * SUPERSAMPLE, size * SUPERSAMPLE), np.uint8)
    cv2.fillPoly(canvas, lines, 255, lineType=cv2.LINE_8, shift=4)
    blocks = canvas.reshape(size, SUPERSAMPLE, size, SUPERSAMPLE)
    return blocks.mean(axis=(1, 3), dtype=np.float32) / 255


def smooth_noise(rng: np.random.Generator, size: int, octaves: tuple[int, ...]) -> np.ndarray:
    """Return noise of several grain sizes, float32 (size, size) in [0, 1]."""
    total = np.zeros((size, size), np.float32)
    for cells in octaves:
        grid = rng.random((cells, cells)).astype(np.float32)
        total += cv2.resize(grid, (size, size), interpolation=cv2.INTER_CUBIC) / cells**0.5
    return (total - total.min()) / (total.max() - total.min())


def hsv(hue: float, saturation: float, value: float) -> np.ndarray:
    """Return a colour as float32 BGR (3,) in [0, 1]; hue in [0, 360)."""
    pixel = np.array([[[hue, saturation, value]]], np.float32)
    return cv2.cvtColor(pixel, cv2.COLOR_HSV2BGR)[0, 0]


def background(rng: np.random.Generator, size: int) -> np.ndarray:
    """Return a muted texture, float32 BGR (size, size, 3) in [0, 1]."""
    hue, value = rng.random() * 360, 0.3 + 0.35 * rng.random()
    dark = hsv(hue, 0.35, 0.5 * value)
    light = hsv((hue + 90 * rng.random()) % 360, 0.25, 1.5 * value)
    angle = rng.random() * 2 * np.pi
    y, x = np.mgrid[:size, :size] / size - 0.5
    gradient = (0.5 + 0.7 * (x * np.cos(angle) + y * np.sin(angle)))[..., None]
    texture = smooth_noise(rng, size, (4, 7, 12, 40))[..., None]
    mix = np.clip(0.6 * texture + 0.4 * gradient, 0, 1).astype(np.float32)
    return dark + (light - dark) * mix


def pick_colour(rng: np.random.Generator, taken: list[np.ndarray]) -> np.ndarray:
    """Return the colour, of a few random ones, that is farthest from those in the image."""
    candidates = [
        hsv(rng.random() * 360, 0.45 + 0.5 * rng.random(), 0.55 + 0.45 * rng.random())
        for _ in range(12)
    ]
    return max(candidates, key=lambda c: min(np.linalg.norm(c - other) for other in taken))


def place_objects(rng: np.random.Generator, size: int) -> list[tuple[int, np.ndarray]]:
    """Return (category index, coverage) of each object, from the lowest to the topmost."""
    names = list(SHAPES)
    wanted = int(rng.integers(NUM_OBJECTS[0], NUM_OBJECTS[1] + 1))
    placed: list[tuple[int, np.ndarray]] = []
    for _ in range(MAX_TRIES):
        if len(placed) == wanted:
            break
        category = int(rng.integers(len(names)))
        radius = size * (RADIUS[0] + (RADIUS[1] - RADIUS[0]) * rng.random())
        centre = radius + (size - 2 * radius) * rng.random(2)
        angle = rng.random() * 2 * np.pi
        alpha = coverage(SHAPES[names[category]](), centre, radius, angle, size)
        candidate = [*placed, (category, alpha)]
        wholes = [whole for _, whole in candidate]
        if all(map(is_visible, visible(candidate), wholes)):
            placed = candidate
    return placed


def visible(objects: list[tuple[int, np.ndarray]]) -> list[np.ndarray]:
    """Return what can be seen of each object, bool (H, W): later ones cover earlier ones."""
    masks, covered = [], np.False_
    for _, alpha in reversed(objects):
        mask = alpha >= 0.5
        masks.append(mask & ~covered)
        covered = covered | mask
    return masks[::-1]


def is_visible(mask: np.ndarray, alpha: np.ndarray) -> bool:
    area = mask.sum()
    return area >= max(MIN_VISIBLE_AREA, MIN_VISIBLE_SHARE * (alpha >= 0.5).sum())


def draw_scene(
    rng: np.random.Generator, size: int
) -> tuple[np.ndarray, list[tuple[int, np.ndarray]]]:
    """Draw one image.

    Args:
        rng: Everything random comes from it.
        size: Image side in pixels.

    Returns:
        The image, uint8 BGR (size, size, 3), and per object its index in ``SHAPES`` and its
        visible mask, bool (size, size).
    """
    objects = place_objects(rng, size)
    image = background(rng, size)
    taken = [image.mean(axis=(0, 1))]
    for _, alpha in objects:
        taken.append(pick_colour(rng, taken))
        shade = 0.85 + 0.3 * smooth_noise(rng, size, (3, 24))[..., None]
        image += alpha[..., None] * (taken[-1] * shade - image)
    image += 0.02 * rng.standard_normal(image.shape).astype(np.float32)
    categories = [category for category, _ in objects]
    pixels = (np.clip(image, 0, 1) * 255).round().astype(np.uint8)
    return pixels, list(zip(categories, visible(objects), strict=True))


def write_split(out: Path, split: str, num_images: int, info: dict[str, Any]) -> str:
    """Write the images and the annotation file of one split; return a line that says what is in it.

    Args:
        out: Folder of the dataset.
        split: 'train' or 'val'.
        num_images: How many images.
        info: The file's ``info``; its parameters name the seed and the image side.
    """
    size, seed = info['parameters']['size'], info['parameters']['seed']
    (out / split).mkdir()
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for image_id in tqdm(range(1, num_images + 1), desc=split, unit=' images'):
        # A generator per image: a larger dataset begins with the images of a smaller one.
        rng = np.random.default_rng([seed, split == 'val', image_id])
        image, objects = draw_scene(rng, size)
        name = f'{image_id:06d}.png'
        if not cv2.imwrite(str(out / split / name), image):
            raise OSError(f'{out / split / name}: could not be written')
        images.append({'id': image_id, 'file_name': name, 'width': size, 'height': size})
        for category, mask in objects:
            annotations.append(mask_annotation(mask, len(annotations) + 1, image_id, category + 1))
    categories = [{'id': index, 'name': name} for index, name in enumerate(SHAPES, start=1)]
    write_json(
        out / 'annotations' / f'instances_{split}.json',
        {
            'info': info,
            'images': images,
            'annotations': annotations,
            'categories': categories,
        },
    )
    return f'{split}: {num_images} images, {len(annotations)} objects'


def is_same_dataset(out: Path, info: dict[str, Any]) -> bool:
    try:
        text = (out / 'annotations' / 'instances_train.json').read_text(encoding='utf-8')
        return json.loads(text)['info'] == info
    except (OSError, ValueError, KeyError, TypeError):
        return False


def main() -> None:
    args = parse_args()
    names = ('num_train', 'num_val', 'size', 'seed')
    info = {
        'description': 'Toy shapes of mmpointrend',
        'version': '1',
        'parameters': {name: getattr(args, name) for name in names},
    }
    if args.out.exists() and is_same_dataset(args.out, info):
        print(f'{args.out}: is this dataset already')
        return
    try:
        with new_folder(args.out) as out:
            counts = [write_split(out, 'train', args.num_train, info)]
            counts += [write_split(out, 'val', args.num_val, info)]
    except OSError as error:
        raise SystemExit(f'error: {error}') from error
    print('\n'.join([*counts, f'Wrote {args.out}']))


if __name__ == '__main__':
    main()
