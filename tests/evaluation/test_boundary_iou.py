import numpy as np
import pytest

from mmpointrend.evaluation import boundary_iou, boundary_region


def near_the_outside(mask, distance):
    """Pixels of the mask from which a walk of a few pixels in x and in y leads out of it."""
    height, width = mask.shape
    region = np.zeros_like(mask)
    for y, x in np.argwhere(mask):
        for other_y in range(y - distance, y + distance + 1):
            for other_x in range(x - distance, x + distance + 1):
                inside = 0 <= other_y < height and 0 <= other_x < width
                region[y, x] |= not (inside and mask[other_y, other_x])
    return region


def blobs(seed, shape=(30, 40)):
    rng = np.random.default_rng(seed)
    mask = np.zeros(shape, bool)
    for _ in range(3):
        y, x = rng.integers(0, shape[0]), rng.integers(0, shape[1])
        mask[max(0, y - 9) : y + 9, max(0, x - 7) : x + 12] = True
    return mask


# 30 x 40 pixels have a diagonal of 50.
@pytest.mark.parametrize(('ratio', 'distance'), [(0.001, 1), (0.02, 1), (0.05, 2), (0.1, 5)])
def test_matches_its_definition(ratio, distance):
    a, b = blobs(1), blobs(2)
    near_a, near_b = near_the_outside(a, distance), near_the_outside(b, distance)
    np.testing.assert_array_equal(boundary_region(a, ratio), near_a)
    expected = (near_a & near_b).sum() / (near_a | near_b).sum()
    assert 0 < expected < 1
    assert boundary_iou(a, b, ratio) == pytest.approx(expected)


def test_the_border_of_the_image_is_a_boundary():
    full = np.ones((10, 20), bool)
    expected = np.ones_like(full)
    expected[1:-1, 1:-1] = False
    np.testing.assert_array_equal(boundary_region(full), expected)


def test_several_masks_are_compared_one_by_one():
    a, b = np.stack([blobs(1), blobs(2)]), np.stack([blobs(3), blobs(2)])
    ious = boundary_iou(a, b)
    np.testing.assert_array_equal(ious, [boundary_iou(a[0], b[0]), 1.0])
    assert boundary_iou(a[:0], b[:0]).shape == (0,)


def test_empty_masks_have_nothing_in_common():
    empty = np.zeros((5, 5), bool)
    assert boundary_iou(empty, empty) == 0
    assert boundary_iou(empty, ~empty) == 0


@pytest.mark.parametrize(
    ('mask', 'error', 'message'),
    [
        (np.zeros((4, 4)), TypeError, 'float64, expected bool'),
        (np.zeros(4, bool), ValueError, r'\(4,\), expected \(H, W\)'),
        (np.zeros((1, 4, 4), bool), ValueError, 'expected one shape'),
    ],
)
def test_says_what_is_wrong_with_a_mask(mask, error, message):
    other = np.zeros((4, 4), bool) if mask.ndim == 3 else mask
    with pytest.raises(error, match=message):
        boundary_iou(mask, other)
