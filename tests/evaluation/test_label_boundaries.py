"""Boundaries of label maps, compared with loops over pixels."""

import numpy as np
import pytest

from mmpointrend.evaluation import boundary_overlap, class_overlap, trimap

HEIGHT, WIDTH, CLASSES = 24, 32, 4  # a diagonal of 40
IGNORED = 255


def blobs(seed, ignored=False):
    """Overlapping rectangles of classes 0, 1 and 2; class 3 has no pixel."""
    rng = np.random.default_rng(seed)
    labels = np.zeros((HEIGHT, WIDTH), np.uint8)
    for label in (1, 2, 1, IGNORED if ignored else 2):
        y, x = rng.integers(0, HEIGHT - 6), rng.integers(0, WIDTH - 6)
        labels[y : y + 9, x : x + 10] = label
    return labels


def neighbourhood(labels, y, x, distance):
    """Labels at most so far away in either direction, and whether that leaves the image."""
    rows = slice(max(0, y - distance), y + distance + 1)
    columns = slice(max(0, x - distance), x + distance + 1)
    leaves = y < distance or x < distance or y + distance >= HEIGHT or x + distance >= WIDTH
    return labels[rows, columns], leaves


def brute_trimap(labels, width):
    found = np.zeros(labels.shape, bool)
    for y, x in np.argwhere(labels != IGNORED):
        near, _ = neighbourhood(labels, y, x, width)
        found[y, x] = bool(set(near.ravel().tolist()) - {IGNORED, int(labels[y, x])})
    return found


def brute_boundary(labels, ignored, label, distance):
    found = np.zeros(labels.shape, bool)
    for y, x in np.argwhere((labels == label) & ~ignored):
        near, leaves = neighbourhood(np.where(ignored, label, labels), y, x, distance)
        found[y, x] = leaves or bool((near != label).any())
    return found


@pytest.mark.parametrize('width', [1, 2, 5])
@pytest.mark.parametrize('ignored', [False, True])
def test_trimap_matches_its_definition(width, ignored):
    labels = blobs(0, ignored)
    found = trimap(labels, width)
    np.testing.assert_array_equal(found, brute_trimap(labels, width))
    assert 0 < found.sum() < found.size


def test_trimap_of_one_class_is_empty():
    labels = np.full((HEIGHT, WIDTH), 3, np.uint8)
    labels[:5] = IGNORED
    assert not trimap(labels, 3).any()


def test_trimap_of_another_ignored_label():
    labels = blobs(0, ignored=True).astype(np.int64)
    expected = trimap(labels, 2)
    labels[labels == IGNORED] = -1
    np.testing.assert_array_equal(trimap(labels, 2, ignore_index=-1), expected)


@pytest.mark.parametrize(('ratio', 'distance'), [(0.02, 1), (0.075, 3)])
@pytest.mark.parametrize('ignored', [False, True])
def test_boundary_overlap_matches_its_definition(ratio, distance, ignored):
    prediction, truth = blobs(1), blobs(7, ignored)
    found = boundary_overlap(prediction, truth, CLASSES, ratio)
    for label in range(CLASSES):
        ours, theirs = (
            brute_boundary(labels, truth == IGNORED, label, distance)
            for labels in (prediction, truth)
        )
        assert found[:, label].tolist() == [(ours & theirs).sum(), (ours | theirs).sum()]
    assert (found[:, :3] > 0).all() and (found[:, 3] == 0).all()


def test_a_prediction_is_free_where_the_truth_is_ignored():
    truth = blobs(2, ignored=True)
    prediction, other = blobs(1), blobs(1)
    other[truth == IGNORED] = 3
    np.testing.assert_array_equal(
        boundary_overlap(prediction, truth, CLASSES), boundary_overlap(other, truth, CLASSES)
    )


def test_truth_that_is_all_ignored_counts_nothing():
    truth = np.full((HEIGHT, WIDTH), IGNORED, np.uint8)
    assert not boundary_overlap(blobs(1), truth, CLASSES).any()


def test_class_overlap_matches_its_definition():
    prediction, truth = blobs(1), blobs(2)
    where = np.random.default_rng(0).random(truth.shape) < 0.5
    found = class_overlap(prediction, truth, CLASSES, where)
    for label in range(CLASSES):
        ours, theirs = (prediction == label) & where, (truth == label) & where
        assert found[:, label].tolist() == [(ours & theirs).sum(), (ours | theirs).sum()]
