"""Make LVIS's annotations of COCO's validation images evaluate a model of COCO's 80 classes: AP*.

LVIS draws finer outlines than COCO. The file that is written holds the images of COCO's val2017 and
the objects of the LVIS categories that are one of COCO's, with COCO's names and category ids.

LVIS does not look for every category in every image. An image's neg_category_ids and
not_exhaustive_category_ids are kept, restricted to COCO's: evaluate with LVISMetric, which counts a
detection only where its category was looked for. COCO's metric ignores both lists and calls such a
detection wrong.

LVIS v0.5 is what the PointRend paper (Kirillov et al., CVPR 2020) reports; v1 has the same layout.
"""

import argparse
from pathlib import Path
from typing import Any

from mmpointrend.annotation import check_files, read_coco, write_json

# COCO's id, COCO's name and the WordNet synset that LVIS names the category with, as in
# https://github.com/lvis-dataset/lvis-api/blob/master/data/coco_to_synset.json
CATEGORIES = (
    (1, 'person', 'person.n.01'),
    (2, 'bicycle', 'bicycle.n.01'),
    (3, 'car', 'car.n.01'),
    (4, 'motorcycle', 'motorcycle.n.01'),
    (5, 'airplane', 'airplane.n.01'),
    (6, 'bus', 'bus.n.01'),
    (7, 'train', 'train.n.01'),
    (8, 'truck', 'truck.n.01'),
    (9, 'boat', 'boat.n.01'),
    (10, 'traffic light', 'traffic_light.n.01'),
    (11, 'fire hydrant', 'fireplug.n.01'),
    (13, 'stop sign', 'stop_sign.n.01'),
    (14, 'parking meter', 'parking_meter.n.01'),
    (15, 'bench', 'bench.n.01'),
    (16, 'bird', 'bird.n.01'),
    (17, 'cat', 'cat.n.01'),
    (18, 'dog', 'dog.n.01'),
    (19, 'horse', 'horse.n.01'),
    (20, 'sheep', 'sheep.n.01'),
    (21, 'cow', 'beef.n.01'),
    (22, 'elephant', 'elephant.n.01'),
    (23, 'bear', 'bear.n.01'),
    (24, 'zebra', 'zebra.n.01'),
    (25, 'giraffe', 'giraffe.n.01'),
    (27, 'backpack', 'backpack.n.01'),
    (28, 'umbrella', 'umbrella.n.01'),
    (31, 'handbag', 'bag.n.04'),
    (32, 'tie', 'necktie.n.01'),
    (33, 'suitcase', 'bag.n.06'),
    (34, 'frisbee', 'frisbee.n.01'),
    (35, 'skis', 'ski.n.01'),
    (36, 'snowboard', 'snowboard.n.01'),
    (37, 'sports ball', 'ball.n.06'),
    (38, 'kite', 'kite.n.03'),
    (39, 'baseball bat', 'baseball_bat.n.01'),
    (40, 'baseball glove', 'baseball_glove.n.01'),
    (41, 'skateboard', 'skateboard.n.01'),
    (42, 'surfboard', 'surfboard.n.01'),
    (43, 'tennis racket', 'tennis_racket.n.01'),
    (44, 'bottle', 'bottle.n.01'),
    (46, 'wine glass', 'wineglass.n.01'),
    (47, 'cup', 'cup.n.01'),
    (48, 'fork', 'fork.n.01'),
    (49, 'knife', 'knife.n.01'),
    (50, 'spoon', 'spoon.n.01'),
    (51, 'bowl', 'bowl.n.03'),
    (52, 'banana', 'banana.n.02'),
    (53, 'apple', 'apple.n.01'),
    (54, 'sandwich', 'sandwich.n.01'),
    (55, 'orange', 'orange.n.01'),
    (56, 'broccoli', 'broccoli.n.01'),
    (57, 'carrot', 'carrot.n.01'),
    (58, 'hot dog', 'frank.n.02'),
    (59, 'pizza', 'pizza.n.01'),
    (60, 'donut', 'doughnut.n.02'),
    (61, 'cake', 'cake.n.03'),
    (62, 'chair', 'chair.n.01'),
    (63, 'couch', 'sofa.n.01'),
    (64, 'potted plant', 'pot.n.04'),
    (65, 'bed', 'bed.n.01'),
    (67, 'dining table', 'dining_table.n.01'),
    (70, 'toilet', 'toilet.n.02'),
    (72, 'tv', 'television_receiver.n.01'),
    (73, 'laptop', 'laptop.n.01'),
    (74, 'mouse', 'mouse.n.04'),
    (75, 'remote', 'remote_control.n.01'),
    (76, 'keyboard', 'computer_keyboard.n.01'),
    (77, 'cell phone', 'cellular_telephone.n.01'),
    (78, 'microwave', 'microwave.n.02'),
    (79, 'oven', 'oven.n.01'),
    (80, 'toaster', 'toaster.n.02'),
    (81, 'sink', 'sink.n.01'),
    (82, 'refrigerator', 'electric_refrigerator.n.01'),
    (84, 'book', 'book.n.01'),
    (85, 'clock', 'clock.n.01'),
    (86, 'vase', 'vase.n.01'),
    (87, 'scissors', 'scissors.n.01'),
    (88, 'teddy bear', 'teddy.n.01'),
    (89, 'hair drier', 'hand_blower.n.01'),
    (90, 'toothbrush', 'toothbrush.n.01'),
)
SPLIT = 'val2017'
CATEGORY_LISTS = ('neg_category_ids', 'not_exhaustive_category_ids')


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('lvis', type=Path, help='lvis_v0.5_val.json or lvis_v1_val.json')
    parser.add_argument('out', type=Path, help='json to write')
    parser.add_argument('--force', action='store_true', help='replace OUT if it exists')
    args = parser.parse_args()
    check_files(parser, [args.lvis], [args.out], args.force)
    return args


def cocofy(data: dict[str, Any], source: str) -> dict[str, Any]:
    """Restrict an LVIS file to COCO's validation images and categories.

    Args:
        data: Content of an LVIS file.
        source: The file, for the error message.

    Returns:
        A file in LVIS's layout that holds all 80 categories in COCO's order, also those of which it
        has no object. ``file_name`` of an image is relative to COCO's folder.

    Raises:
        ValueError: The file is not LVIS's, or has none of COCO's validation images.
    """
    synsets = {category['id']: category.get('synset') for category in data['categories']}
    coco_ids = {synset: coco_id for coco_id, _, synset in CATEGORIES}
    to_coco = {own: coco_ids[synset] for own, synset in synsets.items() if synset in coco_ids}
    if not to_coco:
        raise ValueError(f"{source}: found no 'synset' of COCO's categories, expected a LVIS file")

    images = []
    for image in data['images']:
        missing = {'coco_url', *CATEGORY_LISTS} - image.keys()
        if missing:
            raise ValueError(
                f'{source}: found image {image["id"]} without {sorted(missing)[0]!r}, '
                'expected a LVIS file'
            )
        *_, split, name = image['coco_url'].split('/')
        if split == SPLIT:
            lists = {
                key: [to_coco[own] for own in image[key] if own in to_coco]
                for key in CATEGORY_LISTS
            }
            images.append({**image, 'file_name': f'{split}/{name}', **lists})
    if not images:
        raise ValueError(f'{source}: found no image of {SPLIT}, expected the validation file')

    kept = {image['id'] for image in images}
    annotations = [
        {**ann, 'category_id': to_coco[ann['category_id']]}
        for ann in data['annotations']
        if ann['image_id'] in kept and ann['category_id'] in to_coco
    ]
    own = {category.get('synset'): category for category in data['categories']}
    categories = [
        # LVIS's evaluation averages over groups of frequency.
        {'frequency': 'f', **own.get(synset, {}), 'id': coco_id, 'name': name, 'synset': synset}
        for coco_id, name, synset in CATEGORIES
    ]
    return {**data, 'images': images, 'annotations': annotations, 'categories': categories}


def main() -> None:
    args = parse_args()
    try:
        data, _ = read_coco(args.lvis)
        result = cocofy(data, str(args.lvis))
    except ValueError as error:
        raise SystemExit(f'error: {error}') from error
    write_json(args.out, result)
    synsets = {category.get('synset') for category in data['categories']}
    absent = [name for _, name, synset in CATEGORIES if synset not in synsets]
    if absent:
        print(f'No category of the file is: {", ".join(absent)}')
    counts = f'{len(result["images"])} images, {len(result["annotations"])} objects'
    print(f'Wrote {args.out}: {counts}')


if __name__ == '__main__':
    main()
