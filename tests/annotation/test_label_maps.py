"""Label maps, drawn from instances and thinned out."""

import numpy as np
import pytest

from mmpointrend.annotation import (
    PointAnnotationError,
    draw_labels,
    mask_annotation,
    sample_labels,
)

HEIGHT, WIDTH = 20, 30
IMAGE = {'id': 1, 'width': WIDTH, 'height': HEIGHT}
LABELS = {10: 1, 20: 2}


def rectangle(x, y, w, h):
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[y : y + h, x : x + w] = True
    return mask


def annotation(mask, category_id, iscrowd=0):
    return {**mask_annotation(mask, 1, 1, category_id), 'iscrowd': iscrowd}


LARGE, SMALL, OTHER = rectangle(0, 0, 20, 10), rectangle(5, 5, 6, 8), rectangle(15, 0, 15, 20)


def draw(*annotations):
    return draw_labels(annotations, IMAGE, LABELS, 'file.json')


@pytest.mark.parametrize('order', [1, -1])
def test_the_smaller_object_is_on_top(order):
    objects = [annotation(LARGE, 10), annotation(SMALL, 20)]
    expected = np.where(SMALL, 2, np.where(LARGE, 1, 0))
    np.testing.assert_array_equal(draw(*objects[::order]), expected)


@pytest.mark.parametrize('order', [1, -1])
def test_crowds_are_ignored_where_there_is_no_object(order):
    objects = [annotation(OTHER, 20, iscrowd=1), annotation(LARGE, 10)]
    expected = np.where(LARGE, 1, np.where(OTHER, 255, 0))
    np.testing.assert_array_equal(draw(*objects[::order]), expected)


def test_an_image_without_objects_is_background():
    found = draw()
    assert (found.shape, found.dtype) == ((HEIGHT, WIDTH), np.uint8)
    assert not found.any()


def test_a_bad_segmentation():
    with pytest.raises(PointAnnotationError, match=r'file\.json'):
        draw({'id': 7, 'image_id': 1, 'category_id': 10, 'segmentation': []})


@pytest.fixture
def labels():
    """Classes 0, 1 and 7 of many pixels, 3 of two, and ignored ones."""
    labels = np.zeros((HEIGHT, WIDTH), np.uint8)
    labels[:, 10:], labels[10:, 20:], labels[:3, :5] = 1, 7, 255
    labels[0, -2:] = 3
    return labels


def counts(labels):
    found, numbers = np.unique(labels, return_counts=True)
    return dict(zip(found.tolist(), numbers.tolist(), strict=True))


def test_as_many_of_each_class_keep_their_label(labels):
    kept = sample_labels(labels, 5, np.random.default_rng(0))
    assert counts(kept) == {0: 5, 1: 5, 3: 2, 7: 5, 255: HEIGHT * WIDTH - 17}
    np.testing.assert_array_equal(kept[kept != 255], labels[kept != 255])


def test_as_many_in_the_whole_image_keep_their_label(labels):
    kept = sample_labels(labels, 50, np.random.default_rng(0), per_class=False)
    assert (kept != 255).sum() == 50
    np.testing.assert_array_equal(kept[kept != 255], labels[kept != 255])


def test_labels_of_no_class_are_not_kept(labels):
    kept = sample_labels(labels, 5, np.random.default_rng(0), ignored=(0, 255))
    assert set(counts(kept)) == {1, 3, 7, 255}
    kept = sample_labels(labels, 10**6, np.random.default_rng(0), False, ignored=(0, 255))
    np.testing.assert_array_equal(kept, np.where(labels == 0, 255, labels))


def test_all_are_kept_where_there_are_fewer(labels):
    np.testing.assert_array_equal(sample_labels(labels, 10**6, np.random.default_rng(0)), labels)


def test_every_pixel_of_a_class_is_as_likely(labels):
    rng = np.random.default_rng(0)
    draws = 2000
    times = sum((sample_labels(labels, 5, rng) == 7).astype(int) for _ in range(draws))
    pixels = labels == 7
    expected = draws * 5 / pixels.sum()
    assert not times[~pixels].any()
    assert np.abs(times[pixels] - expected).max() < 5 * expected**0.5


def test_an_image_of_ignored_pixels_stays_so():
    labels = np.full((4, 5), 255, np.uint8)
    for per_class in (True, False):
        kept = sample_labels(labels, 3, np.random.default_rng(0), per_class)
        np.testing.assert_array_equal(kept, labels)
