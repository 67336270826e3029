import numpy as np
import pytest
from mmcv.transforms import RandomResize
from mmengine.registry import DefaultScope

from mmpointrend.datasets import ResizePointSegMap

HEIGHT, WIDTH = 60, 80


@pytest.fixture
def sample() -> dict:
    """An image that shows its row and column, and a label map of twelve pixels apart."""
    rows, columns = np.mgrid[:HEIGHT, :WIDTH].astype(np.float32)
    labels = np.full((HEIGHT, WIDTH), 255, np.uint8)
    labels[5::20, 7::20] = np.arange(12).reshape(3, 4)
    return {'img': np.stack([rows, columns, columns], -1), 'gt_seg_map': labels}


@pytest.mark.parametrize('scale', [(80, 60), (35, 25), (100, 90), (41, 41)], ids=str)
def test_every_labelled_pixel_stays_and_is_where_it_was(sample, scale):
    before = sample['gt_seg_map']
    after = ResizePointSegMap(scale).transform(sample)
    found = after['gt_seg_map']
    assert found.shape == after['img'].shape[:2] == (scale[1], scale[0])
    assert sorted(found[found != 255]) == list(range(12))
    factor = np.array([HEIGHT / scale[1], WIDTH / scale[0]])
    for label in range(12):
        old, new = (np.argwhere(labels == label)[0] for labels in (before, found))
        # The centre of the old pixel lies in the new one.
        assert (np.floor((old + 0.5) / factor) == new).all()


def test_pixels_that_meet_become_one_of_them():
    labels = np.full((4, 4), 9, np.int64)
    labels[0, 0], labels[1, 1] = 1, 2
    sample = {'img': np.zeros((4, 4, 3)), 'gt_seg_map': labels}
    found = ResizePointSegMap((2, 2), ignore_index=9).transform(sample)['gt_seg_map']
    assert found.tolist() == [[2, 9], [9, 9]]
    assert found.dtype == np.int64


def test_an_image_without_labels_is_resized(sample):
    del sample['gt_seg_map']
    assert ResizePointSegMap((8, 6)).transform(sample)['img'].shape == (6, 8, 3)


def test_random_resize_of_a_config_takes_it(sample):
    with DefaultScope.overwrite_default_scope('mmseg'):
        resize = RandomResize(
            (WIDTH, HEIGHT), (0.5, 0.5), 'mmpointrend.ResizePointSegMap', keep_ratio=True
        )
    labels = resize(sample)['gt_seg_map']
    assert labels.shape == (HEIGHT // 2, WIDTH // 2)
    assert (labels != 255).sum() == 12
