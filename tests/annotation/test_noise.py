"""Flipped labels: how many, which ones, and what they depend on."""

from typing import Any

import numpy as np
import pytest

from mmpointrend.annotation import disturb_labels


def points_file(*sizes: int) -> dict[str, Any]:
    """A file with objects of these numbers of points, a crowd region with points between them."""
    rng = np.random.default_rng(0)
    annotations: list[dict[str, Any]] = [
        {
            'id': index,
            'point_coords': rng.integers(0, 50, (size, 2)).tolist(),
            'point_labels': rng.integers(0, 2, size).tolist(),
        }
        for index, size in enumerate(sizes)
    ]
    annotations.insert(1, {'id': 99, 'iscrowd': 1, 'point_labels': [1], 'point_coords': [[0, 0]]})
    return {'info': {'year': 2017}, 'annotations': annotations}


def labels(data: dict[str, Any]) -> np.ndarray:
    return np.concatenate(
        [ann['point_labels'] for ann in data['annotations'] if not ann.get('iscrowd')]
    )


def flipped(data: dict[str, Any], *options: Any) -> np.ndarray:
    return labels(data) != labels(disturb_labels(data, *options))


DATA = points_file(3, 0, 70, 27)


@pytest.mark.parametrize('share', [0, 0.05, 0.5, 1 / 3, 0.999, 1])
def test_exactly_the_share_of_all_points_is_flipped(share: float) -> None:
    assert flipped(DATA, share, 0).sum() == round(share * 100)


def test_nothing_else_is_touched() -> None:
    before = points_file(3, 0, 70, 27)
    after = disturb_labels(DATA, 0.3, 0)
    assert before == DATA
    for old, new in zip(DATA['annotations'], after['annotations'], strict=True):
        same = old if old.get('iscrowd') else {**new, 'point_labels': old['point_labels']}
        assert same == old
    assert after['info'] == DATA['info']
    assert set(labels(after)) == {0, 1}


def test_same_seed_same_labels_other_seed_other_labels() -> None:
    assert disturb_labels(DATA, 0.3, 1) == disturb_labels(DATA, 0.3, 1)
    assert disturb_labels(DATA, 0.3, 1) != disturb_labels(DATA, 0.3, 2)


def test_a_larger_share_flips_the_same_points_and_more() -> None:
    few, many = (flipped(DATA, share, 0) for share in (0.1, 0.4))
    assert (many >= few).all()


def test_every_point_is_flipped_equally_often() -> None:
    counts = sum(flipped(DATA, 0.2, seed).astype(int) for seed in range(500))
    # 500 draws of 0.2 each: mean 100, standard deviation 9; 5 of them on either side.
    assert counts.min() > 55 and counts.max() < 145


def test_with_distances_the_smallest_are_flipped() -> None:
    distances = np.random.default_rng(1).permutation(100).astype(float)
    np.testing.assert_array_equal(flipped(DATA, 0.05, 0, distances), distances < 5)


def test_the_seed_decides_among_equal_distances() -> None:
    distances = np.repeat([2.0, 1.0, np.inf], [40, 20, 40])
    first, again, other = (flipped(DATA, 0.3, seed, distances) for seed in (0, 0, 1))
    for flip in (first, other):
        assert flip[distances == 1].all() and not flip[np.isinf(distances)].any()
        assert flip[distances == 2].sum() == 10
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()
