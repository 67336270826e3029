"""The training pipelines of the configs keep annotated points where they were placed."""

import json
import random

import cv2
import numpy as np
import pytest
from mmdet.registry import DATASETS

from mmpointrend.annotation import write_json

from .catalogue import PATHS, from_points, load

# Objects are squares of four quarters; the last quarter is background, and so is what is around.
SIDE, QUARTER, CORNERS = 600, 120, [(40, 40), (320, 310)]
POINTS_PER_QUARTER = 3


def training_dataset(path) -> dict:
    dataset = load(path).train_dataloader.dataset
    while 'dataset' in dataset:
        dataset = dataset.dataset
    # It lays one picture over another: nobody can see any more which one a point was placed on.
    dataset.pipeline = [step for step in dataset.pipeline if step.type != 'CachedMixUp']
    return dataset


def distinct_pipelines() -> dict:
    found = {}
    for path in PATHS:
        if from_points(path):
            found.setdefault(json.dumps(training_dataset(path).pipeline), path)
    return {path.stem: path for path in found.values()}


PIPELINES = distinct_pipelines()


@pytest.fixture(scope='module')
def files(tmp_path_factory):
    """A folder with a picture of white objects on black, and their annotated points."""
    folder = tmp_path_factory.mktemp('objects')
    rng = np.random.default_rng(0)
    picture = np.zeros((SIDE, SIDE, 3), np.uint8)
    annotations = []
    for i, (left, top) in enumerate(CORNERS, 1):
        coords, labels = [], []
        for quarter in range(4):
            x, y = left + quarter % 2 * QUARTER, top + quarter // 2 * QUARTER
            if quarter < 3:
                picture[y : y + QUARTER, x : x + QUARTER] = 255
            middle = rng.integers(40, 80, (POINTS_PER_QUARTER, 2))
            coords += (middle + np.array([x, y])).tolist()
            labels += [int(quarter < 3)] * POINTS_PER_QUARTER
        annotations.append(
            {
                'id': i,
                'image_id': 1,
                'category_id': 1,
                'bbox': [left, top, 2 * QUARTER, 2 * QUARTER],
                'area': 3 * QUARTER**2,
                'iscrowd': 0,
                'point_coords': coords,
                'point_labels': labels,
            }
        )
    cv2.imwrite(str(folder / 'picture.png'), picture)
    image = {'id': 1, 'file_name': 'picture.png', 'width': SIDE, 'height': SIDE}
    categories = [{'id': 1, 'name': 'object'}]
    coco = {'images': [image], 'annotations': annotations, 'categories': categories}
    write_json(folder / 'points.json', coco)
    return folder


@pytest.mark.parametrize('path', PIPELINES.values(), ids=PIPELINES)
def test_points_lie_on_what_they_were_placed_on(path, files):
    dataset = DATASETS.build(
        training_dataset(path)
        | {
            'data_root': str(files),
            'data_prefix': {'img': ''},
            'ann_file': 'points.json',
            'metainfo': {'classes': ('object',)},
        }
    )
    seen = []
    for seed in range(8):
        random.seed(seed)
        np.random.seed(seed)
        sample = dataset[0]
        masks, white = sample['data_samples'].gt_instances.masks, sample['inputs'][0] > 127
        valid = masks.labels >= 0
        x, y = masks.coords[valid].astype(int).T
        assert white[y, x].int().tolist() == masks.labels[valid].tolist()
        seen += masks.labels[valid].tolist()
    assert seen.count(1) > 10 and seen.count(0) > 3
