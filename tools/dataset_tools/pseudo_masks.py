"""Predict the masks of annotated boxes: self-training on top of point annotations.

A model that was trained from points predicts a mask for every annotated box of its training set;
then any config trains on these masks as if they were drawn. Only boxes, classes and, with
--keep-points, labelled points are used; no detection is made.

Usage::

    python tools/dataset_tools/pseudo_masks.py CONFIG CHECKPOINT POINTS.json OUT.json
    torchrun --nproc_per_node 8 tools/dataset_tools/pseudo_masks.py ... --launcher pytorch

Interrupted work continues where it stopped, with any number of processes.
"""

import argparse
import shutil
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pycocotools.mask as mask_api
import torch
from mmengine.config import Config
from mmengine.dataset import Compose, pseudo_collate
from mmengine.dist import barrier, get_dist_info
from mmengine.registry import DefaultScope
from mmengine.runner import Runner
from torch.utils.data import DataLoader, Dataset
from tqdm import tqdm

from mmpointrend.annotation import (
    PointAnnotationError,
    add_history,
    check_box,
    check_files,
    check_points,
    image_name,
    job_folder,
    mask_annotation,
    read_coco,
    write_json,
)
from mmpointrend.apis import box_mask_head, predict_box_masks
from mmpointrend.engine import (
    JsonLines,
    add_launch_arguments,
    check_checkpoint,
    dataset_meta,
    innermost_dataset,
    load_config,
    prepared_process,
    read_json_lines,
)


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('config', help='config of the trained model')
    parser.add_argument('checkpoint', help='file or URL')
    parser.add_argument('points', type=Path, help='COCO json with boxes, with or without points')
    parser.add_argument('out', type=Path, help='COCO json with masks to write')
    parser.add_argument(
        '--images', type=Path, help='folder of the images (default: those of train_dataloader)'
    )
    parser.add_argument(
        '--keep-points',
        action='store_true',
        help='set the pixel of every labelled point to its label',
    )
    parser.add_argument('--batch-size', type=int, default=4, help='images at a time (default: 4)')
    parser.add_argument('--workers', type=int, default=2, help='loading processes (default: 2)')
    parser.add_argument('--force', action='store_true', help='replace OUT if it exists')
    add_launch_arguments(parser)
    args = parser.parse_args()
    if args.batch_size < 1:
        parser.error(f'--batch-size: found {args.batch_size}, expected 1 or more')
    if args.workers < 0:
        parser.error(f'--workers: found {args.workers}, expected 0 or more')
    check_files(parser, [args.points], [args.out], args.force)
    return args


def parts_folder(args: argparse.Namespace) -> Path:
    """Where the parts are gathered, beside the result: another folder for every other job."""
    job = [args.cfg_options, str(args.images), args.keep_points]
    for path in (args.config, args.checkpoint, args.points):
        changed = Path(path).stat().st_mtime_ns if Path(path).is_file() else None
        job.append((str(path), changed))
    return job_folder(args.out, *job)


class Images(Dataset):
    """Images without annotations, as the model sees them in a test.

    Args:
        images: COCO images, each with its ``path``.
        cfg: Its ``test_dataloader`` has the pipeline.
    """

    def __init__(self, images: list[dict[str, Any]], cfg: Config) -> None:
        steps = [step for step in cfg.test_dataloader.dataset.pipeline if not _annotates(step)]
        self.images, self.pipeline = images, Compose(steps)

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> dict:
        image = self.images[index]
        return self.pipeline({'img_path': str(image['path']), 'img_id': image['id']})


def _annotates(step: dict) -> bool:
    return step['type'].rpartition('.')[2] in ('LoadAnnotations', 'LoadPointAnnotations')


def training_images(cfg: Config) -> Path:
    """Folder of the images that the config trains on."""
    dataset = innermost_dataset(cfg.train_dataloader.dataset)
    return Path(dataset.get('data_root') or '', dataset.data_prefix.img)


def find_image(image: dict[str, Any], args: argparse.Namespace) -> Path:
    """The file of an image.

    Raises:
        PointAnnotationError: It has no name, or the folder has no such file.
    """
    name = image_name(image, str(args.points))
    path = args.images / name
    if not path.is_file():
        raise PointAnnotationError(
            f'{args.images}: found no {name}, expected image {image["id"]!r} of {args.points}'
        )
    return path


def class_indices(cfg: Config, data: dict[str, Any], source: str) -> dict[Any, int]:
    """The model's class of each category of a file."""
    classes = list(dataset_meta(cfg.test_dataloader.dataset)['classes'])
    names = {category['id']: category.get('name') for category in data['categories']}
    unknown = [name for name in names.values() if name not in classes]
    if unknown:
        raise PointAnnotationError(
            f'{source}: found categories {unknown}, expected those of the model, {classes}'
        )
    return {category: classes.index(name) for category, name in names.items()}


def read_objects(
    args: argparse.Namespace,
) -> tuple[dict[str, Any], dict[Any, list[dict[str, Any]]]]:
    """The annotation file, and the annotations to predict masks for by image: all but crowds."""
    source = str(args.points)
    data, images = read_coco(source)
    objects = defaultdict(list)
    for ann in data['annotations']:
        size = images[ann['image_id']]['width'], images[ann['image_id']]['height']
        check_box(ann, *size, source)
        if ann.get('iscrowd'):
            continue
        if args.keep_points:
            check_points(ann, *size, source)
        objects[ann['image_id']].append(ann)
    return data, objects


def prepare_model(runner: Runner) -> None:
    """Check that the model predicts masks of boxes, and load its checkpoint.

    Raises:
        SystemExit: It predicts none, or the checkpoint is no checkpoint.
    """
    try:
        box_mask_head(runner.model)
    except TypeError as error:
        raise SystemExit(f'error: {error}') from error
    try:
        runner.load_or_resume()
    # Broken pickles raise almost anything.
    except Exception as error:
        checkpoint = runner.cfg.load_from
        raise SystemExit(f'error: {checkpoint}: found no checkpoint ({error!r})') from error
    runner.model.eval()


def predict(
    args: argparse.Namespace,
    runner: Runner,
    images: list[dict[str, Any]],
    objects: dict[Any, list[dict[str, Any]]],
    classes: dict[Any, int],
    parts: Path,
) -> None:
    """Append the masks of this process's images to its file in the folder ``parts``.

    Raises:
        PointAnnotationError: An image has another size than the annotation file says.
    """
    rank, world_size = get_dist_info()
    done = {line['image_id'] for line in finished(parts)}
    barrier()  # nobody appends before everybody has read
    todo = [image for image in images if image['id'] not in done][rank::world_size]
    dataset = Images(todo, runner.cfg)
    loader = DataLoader(
        dataset, args.batch_size, num_workers=args.workers, collate_fn=pseudo_collate
    )
    file = JsonLines(parts / f'{rank}.jsonl')
    sizes = {image['id']: (image['height'], image['width']) for image in todo}
    progress = tqdm(total=len(todo), unit=' images', disable=rank > 0)
    for batch in loader:
        ids = [sample.img_id for sample in batch['data_samples']]
        boxes = [torch.tensor([ann['bbox'] for ann in objects[i]]) for i in ids]
        corners = [torch.cat((xywh[:, :2], xywh[:, :2] + xywh[:, 2:]), 1) for xywh in boxes]
        labels = [torch.tensor([classes[ann['category_id']] for ann in objects[i]]) for i in ids]
        masks = predict_box_masks(runner.model, batch, corners, labels)
        for image_id, image_masks in zip(ids, masks, strict=True):
            check_size(image_masks, sizes[image_id], image_id, str(args.points))
            pairs = zip(objects[image_id], image_masks.cpu().numpy(), strict=True)
            masked = [with_mask(ann, mask, args.keep_points) for ann, mask in pairs]
            file.append({'image_id': image_id, 'annotations': masked})
        progress.update(len(ids))
    file.close()


def check_size(masks: torch.Tensor, size: tuple[int, int], image_id: Any, source: str) -> None:
    """Check that masks (R, H, W), which are as large as their image, have the size of the file."""
    height, width = masks.shape[1:]
    if (height, width) != size:
        raise PointAnnotationError(
            f'{source}: found image {image_id} of {size[1]} x {size[0]} pixels, '
            f'expected the {width} x {height} that it has'
        )


def finished(parts: Path) -> Iterator[dict[str, Any]]:
    """What any process has written so far."""
    for part in sorted(parts.glob('*.jsonl')):
        yield from read_json_lines(part)


def with_mask(ann: dict[str, Any], mask: np.ndarray, keep_points: bool) -> dict[str, Any]:
    """The annotation with a predicted mask (H, W); its box, points and id stay."""
    if keep_points:
        points = np.array(ann['point_coords'], dtype=int).reshape(-1, 2)
        mask[points[:, 1], points[:, 0]] = np.array(ann['point_labels'], dtype=bool)
    predicted = mask_annotation(mask, ann['id'], ann['image_id'], ann['category_id'])
    # Without an area the object would be left out of training.
    area = predicted['area'] or ann['bbox'][2] * ann['bbox'][3]
    return {**ann, 'segmentation': predicted['segmentation'], 'area': area}


def with_box_as_mask(crowd: dict[str, Any]) -> dict[str, Any]:
    """A crowd with a segmentation: training from masks ignores crowds, but reads all masks."""
    if crowd.get('segmentation'):
        return crowd
    x, y, w, h = crowd['bbox']
    return {**crowd, 'segmentation': [[x, y, x + w, y, x + w, y + h, x, y + h]]}


def merge(args: argparse.Namespace, data: dict[str, Any], parts: Path) -> None:
    """Write the annotation file and remove the parts."""
    masked = {ann['id']: ann for line in finished(parts) for ann in line['annotations']}
    data['annotations'] = [
        masked.get(ann['id']) or with_box_as_mask(ann) for ann in data['annotations']
    ]
    step = {'config': Path(args.config).name, 'checkpoint': Path(args.checkpoint).name}
    step |= {'keep_points': args.keep_points}
    write_json(args.out, add_history(data, tool='pseudo_masks', **step))
    shutil.rmtree(parts)
    empty = sum(not mask_api.area(ann['segmentation']) for ann in masked.values())
    print(f'Wrote {args.out}: {len(masked)} masks, {empty} of them empty')


def main() -> None:
    args = parse_args()
    cfg = load_config(args)
    cfg.load_from = check_checkpoint(args.checkpoint)
    args.images = args.images or training_images(cfg)
    parts = parts_folder(args)
    try:
        data, objects = read_objects(args)
        images = [
            {**image, 'path': find_image(image, args)}
            for image in data['images']
            if objects[image['id']]
        ]
        with DefaultScope.overwrite_default_scope(cfg.default_scope):
            classes = class_indices(cfg, data, str(args.points))
        with prepared_process(cfg, args.local_rank):
            runner = Runner.from_cfg(cfg)
            prepare_model(runner)
            predict(args, runner, images, objects, classes, parts)
            barrier()
            if get_dist_info()[0] == 0:
                merge(args, data, parts)
    except PointAnnotationError as error:
        raise SystemExit(f'error: {error}') from error


if __name__ == '__main__':
    main()
