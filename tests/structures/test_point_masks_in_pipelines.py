"""Points and dense masks through the same transforms of mmdet, unchanged.

The same scene goes through a transform several times with the same random state: once with the
dense masks of its objects, once with points on and off them, once with a small blob drawn around
each point. The blobs say, without our arithmetic, where a point must be and whether it has left.
"""

import random
from collections.abc import Callable

import cv2
import numpy as np
import pytest
import torch
from mmdet.models.data_preprocessors import DetDataPreprocessor
from mmdet.registry import TRANSFORMS
from mmdet.structures.bbox import HorizontalBoxes
from mmdet.structures.mask import BaseInstanceMasks, BitmapMasks
from mmengine.registry import DefaultScope

from mmpointrend.structures import PointMasks

HEIGHT, WIDTH = 120, 160
POINTS_PER_OBJECT = 12
# Points keep this distance to an outline, so that resampling cannot change what they lie on.
MARGIN = 4
BLOB = 5
Results = dict


@pytest.fixture(autouse=True)
def _scope():
    with DefaultScope.overwrite_default_scope('mmdet'):
        yield


def _shapes() -> np.ndarray:
    """Three objects that are not convex and overlap, uint8 (3, H, W)."""
    masks = np.zeros((3, HEIGHT, WIDTH), np.uint8)
    cv2.circle(masks[0], (45, 45), 34, 1, -1)
    cv2.circle(masks[0], (45, 45), 14, 0, -1)
    cv2.fillPoly(masks[1], [np.int32([[70, 30], [150, 20], [148, 50], [95, 55], [90, 95]])], 1)
    cv2.rectangle(masks[2], (60, 70), (155, 115), 1, -1)
    cv2.rectangle(masks[2], (85, 70), (130, 98), 0, -1)
    return masks


def _boxes(masks: np.ndarray) -> np.ndarray:
    return BitmapMasks(masks, HEIGHT, WIDTH).get_bboxes('hbox').tensor.numpy()


def _points(masks: np.ndarray) -> PointMasks:
    """Half of the points on each object, half off it but inside its box."""
    rng = np.random.default_rng(0)
    coords, labels = [], []
    for mask, box in zip(masks, _boxes(masks), strict=True):
        inside_box = np.zeros_like(mask, dtype=bool)
        x1, y1, x2, y2 = box.astype(int)
        inside_box[y1:y2, x1:x2] = True
        for label in (1, 0):
            distance = cv2.distanceTransform(np.uint8(mask == label), cv2.DIST_L2, 5)
            y, x = np.nonzero((distance > MARGIN) & inside_box)
            chosen = rng.choice(len(x), POINTS_PER_OBJECT // 2, replace=False)
            coords.append(np.stack([x, y], axis=-1)[chosen] + 0.5)
            labels.append(np.full(len(chosen), label))
    shape = (len(masks), POINTS_PER_OBJECT)
    return PointMasks(np.reshape(coords, (*shape, 2)), np.reshape(labels, shape), HEIGHT, WIDTH)


MASKS = _shapes()
POINTS = _points(MASKS)


def _blobs() -> np.ndarray:
    """A small square around each point, uint8 (3 * P, H, W)."""
    blobs = np.zeros((3 * POINTS_PER_OBJECT, HEIGHT, WIDTH), np.uint8)
    for blob, (x, y) in zip(blobs, POINTS.coords.reshape(-1, 2).astype(int), strict=True):
        reach = BLOB // 2
        blob[max(y - reach, 0) : y + reach + 1, max(x - reach, 0) : x + reach + 1] = 1
    return blobs


def scene(masks: BaseInstanceMasks) -> Results:
    """An image that shows one object in each channel, and ``masks`` as its annotation.

    ``masks`` may have several entries per object; boxes and labels are repeated to fit, and the
    label of an entry is the object's index.
    """
    repeats = len(masks) // len(MASKS)
    labels = np.repeat(np.arange(len(MASKS)), repeats)
    return {
        'img': np.ascontiguousarray(MASKS.transpose(1, 2, 0)) * np.uint8(255),
        'img_shape': (HEIGHT, WIDTH),
        'ori_shape': (HEIGHT, WIDTH),
        'gt_bboxes': HorizontalBoxes(np.repeat(_boxes(MASKS), repeats, axis=0)),
        'gt_bboxes_labels': labels,
        'gt_ignore_flags': np.zeros(len(labels), dtype=bool),
        'gt_masks': masks,
    }


def run(config: dict, masks: BaseInstanceMasks, seed: int, images: int = 1) -> Results:
    """Apply a transform with fixed random numbers to so many images; return the last."""
    random.seed(seed)
    np.random.seed(seed)
    transform = TRANSFORMS.build(config)
    for _ in range(images):
        results = transform(scene(masks))
    return results


STAYS, LEAVES = False, True
BLACK = {'img_border_value': 0}
# Configuration, whether some points leave the image, and how many images the transform needs.
CASES: dict[str, tuple[dict, bool, int]] = {
    'Resize': ({'type': 'Resize', 'scale': (205, 140)}, STAYS, 1),
    'Resize, keep_ratio': ({'type': 'Resize', 'scale': (250, 170), 'keep_ratio': True}, STAYS, 1),
    'RandomChoiceResize': (
        {
            'type': 'RandomChoiceResize',
            'scales': [(400, 150), (400, 200), (400, 260)],
            'keep_ratio': True,
        },
        STAYS,
        1,
    ),
    'RandomFlip': (
        {
            'type': 'RandomFlip',
            'prob': [0.33, 0.33, 0.34],
            'direction': ['horizontal', 'vertical', 'diagonal'],
        },
        STAYS,
        1,
    ),
    'RandomCrop': (
        {'type': 'RandomCrop', 'crop_size': (90, 70), 'allow_negative_crop': True},
        LEAVES,
        1,
    ),
    'MinIoURandomCrop': (
        {'type': 'MinIoURandomCrop', 'min_ious': (0.3,), 'min_crop_size': 0.4},
        LEAVES,
        1,
    ),
    'Pad': ({'type': 'Pad', 'size_divisor': 64}, STAYS, 1),
    'Expand': ({'type': 'Expand', 'ratio_range': (1.3, 2), 'prob': 1.0}, STAYS, 1),
    'Rotate': ({'type': 'Rotate', 'min_mag': 20.0, 'max_mag': 80.0, **BLACK}, LEAVES, 1),
    'ShearX': ({'type': 'ShearX', 'min_mag': 20.0, 'max_mag': 30.0, **BLACK}, LEAVES, 1),
    'ShearY': ({'type': 'ShearY', 'min_mag': 20.0, 'max_mag': 30.0, **BLACK}, LEAVES, 1),
    'TranslateX': ({'type': 'TranslateX', 'min_mag': 0.15, 'max_mag': 0.3, **BLACK}, LEAVES, 1),
    'TranslateY': ({'type': 'TranslateY', 'min_mag': 0.15, 'max_mag': 0.3, **BLACK}, LEAVES, 1),
    'CachedMosaic': (
        {'type': 'CachedMosaic', 'img_scale': (200, 200), 'pad_val': 0.0, 'max_cached_images': 5},
        LEAVES,
        5,
    ),
}


@pytest.fixture(params=CASES)
def transform(request) -> Callable[[BaseInstanceMasks, int], Results]:
    """A function (masks, seed) -> results."""
    config, _, images = CASES[request.param]
    return lambda masks, seed: run(dict(config), masks, seed, images)


@pytest.fixture
def leaves(request) -> bool:
    """Whether some points leave the image."""
    return CASES[request.node.callspec.params['transform']][1]


def _at_points(planes: np.ndarray, coords: np.ndarray) -> np.ndarray:
    """Read planes (N, H, W) at the pixels that hold the points (N, P, 2)."""
    y = np.minimum(coords[..., 1].astype(int), planes.shape[1] - 1)
    x = np.minimum(coords[..., 0].astype(int), planes.shape[2] - 1)
    return planes[np.arange(len(planes))[:, None], y, x]


SEEDS = range(8)


def test_labelled_points_lie_on_and_off_the_dense_masks(transform):
    for seed in SEEDS:
        points = transform(POINTS, seed)['gt_masks']
        dense = transform(BitmapMasks(MASKS, HEIGHT, WIDTH), seed)['gt_masks']
        assert (points.height, points.width) == (dense.height, dense.width)
        assert len(points) == len(dense) > 0
        valid = points.labels >= 0
        assert (points.labels == 1).any() and (points.labels == 0).any()
        found = _at_points(dense.masks, np.where(valid[..., None], points.coords, 0))
        np.testing.assert_array_equal(found[valid], points.labels[valid])


def test_labelled_points_lie_on_and_off_the_objects_in_the_image(transform):
    for seed in SEEDS:
        results = transform(POINTS, seed)
        points = results['gt_masks']
        shown = results['img'].transpose(2, 0, 1)[results['gt_bboxes_labels']] > 127
        valid = points.labels >= 0
        assert valid.any()
        found = _at_points(shown, np.where(valid[..., None], points.coords, 0))
        np.testing.assert_array_equal(found[valid], points.labels[valid])


def test_points_survive_exactly_where_a_blob_drawn_around_them_does(transform, leaves):
    survivors, lost, unsure = 0, 0, 0
    for seed in SEEDS:
        results = transform(POINTS, seed)
        points, objects = results['gt_masks'], results['gt_bboxes_labels']
        blobs = transform(BitmapMasks(_blobs(), HEIGHT, WIDTH), seed)['gt_masks'].masks
        blobs = blobs.reshape(*points.labels.shape, *blobs.shape[1:])  # (N, P, H, W)
        area = blobs.sum(axis=(2, 3))
        full = np.median(area[area > 0])
        stays, leaves_image = area > 0.7 * full, area == 0

        np.testing.assert_array_equal(points.labels[stays], POINTS.labels[objects][stays])
        assert (points.labels[leaves_image] == -1).all()

        y, x = np.mgrid[: blobs.shape[2], : blobs.shape[3]] + 0.5
        whole = area > 0.9 * full
        centre = np.stack([(blobs * x).sum((2, 3)), (blobs * y).sum((2, 3))], axis=-1)
        np.testing.assert_allclose(
            points.coords[whole], centre[whole] / area[whole][:, None], atol=1.0
        )
        survivors += stays.sum()
        lost += leaves_image.sum()
        unsure += (~stays & ~leaves_image).sum()
    assert survivors > 20
    assert (lost > 10) if leaves else (lost == 0)
    assert unsure < 0.1 * (survivors + lost)


def test_pack_puts_points_into_the_instances():
    config = {'type': 'PackDetInputs', 'meta_keys': ('img_shape',)}
    results = scene(POINTS)
    results['gt_ignore_flags'][1] = True
    sample = TRANSFORMS.build(config)(results)['data_samples']
    assert sample.gt_instances.masks.labels.tolist() == POINTS.labels[[0, 2]].tolist()
    assert sample.ignored_instances.masks.labels.tolist() == POINTS.labels[[1]].tolist()


def _packed(masks: BaseInstanceMasks, crop: tuple[int, int]) -> dict:
    results = run({'type': 'RandomCrop', 'crop_size': crop}, masks, seed=0)
    return TRANSFORMS.build({'type': 'PackDetInputs', 'meta_keys': ('img_shape',)})(results)


def test_preprocessor_pads_points_and_dense_masks_of_one_batch():
    packed = [_packed(POINTS, (150, 90)), _packed(BitmapMasks(MASKS, HEIGHT, WIDTH), (110, 100))]
    before = packed[0]['data_samples'].gt_instances.masks.to_ndarray()
    batch = {key: [item[key] for item in packed] for key in packed[0]}
    preprocessor = DetDataPreprocessor(pad_mask=True, pad_size_divisor=32)
    samples = preprocessor(batch, training=True)['data_samples']
    points, dense = (sample.gt_instances.masks for sample in samples)
    assert isinstance(points, PointMasks) and isinstance(dense, BitmapMasks)
    assert (points.height, points.width) == (dense.height, dense.width) == (128, 160)
    np.testing.assert_array_equal(points.to_ndarray(), before)


# -------------------------------------------------------- transforms that need areas or dense masks


@pytest.mark.parametrize(
    ('config', 'message'),
    [
        (
            {'type': 'RandomCrop', 'crop_size': (90, 70), 'recompute_bbox': True},
            'recompute_bbox=False',
        ),
        ({'type': 'FilterAnnotations', 'by_mask': True}, 'by_mask=False'),
        ({'type': 'RandomErasing', 'n_patches': 1, 'ratio': 0.2}, 'leave .*RandomErasing'),
        ({'type': 'CopyPaste', 'selected': False}, 'leave CopyPaste'),
        ({'type': 'RandomAffine'}, 'RandomAffine only supports bbox'),
    ],
)
def test_transforms_that_need_dense_masks_say_so(config, message):
    np.random.seed(0)
    results = scene(POINTS) | {'mix_results': [scene(POINTS)]}
    with pytest.raises(NotImplementedError, match=message):
        TRANSFORMS.build(config)(results)


def test_filter_annotations_by_box_selects_points():
    results = scene(POINTS)
    boxes = results['gt_bboxes'].tensor
    boxes[1, 2:] = boxes[1, :2] + 0.5
    results = TRANSFORMS.build({'type': 'FilterAnnotations', 'min_gt_bbox_wh': (1, 1)})(results)
    assert results['gt_masks'].labels.tolist() == POINTS.labels[[0, 2]].tolist()


@pytest.mark.parametrize(
    ('config', 'others'),
    [
        ({'type': 'Mosaic', 'img_scale': (200, 200)}, 3),
        ({'type': 'MixUp', 'img_scale': (160, 160), 'ratio_range': (1.0, 1.0)}, 1),
    ],
)
def test_transforms_that_forget_masks_are_named_when_the_boxes_no_longer_fit(config, others):
    """mmdet's Mosaic and MixUp mix the boxes of several images and leave the masks of the first."""
    np.random.seed(0)
    results = scene(POINTS) | {'mix_results': [scene(POINTS) for _ in range(others)]}
    results = TRANSFORMS.build(config)(results)
    pack = TRANSFORMS.build({'type': 'PackDetInputs', 'meta_keys': ()})
    with pytest.raises(IndexError, match=r'Mosaic, MixUp.*use CachedMosaic'):
        pack(results)


def test_an_image_without_objects_goes_through(transform):
    for seed in SEEDS:
        empty = transform(POINTS[:0], seed)
        assert len(empty['gt_masks']) == len(empty['gt_bboxes']) == 0
        assert empty['gt_masks'].to_tensor(torch.float32, 'cpu').shape[0] == 0
