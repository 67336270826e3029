import numpy as np
import pytest
from mmdet.registry import TRANSFORMS
from mmdet.structures.mask import BitmapMasks

from mmpointrend.datasets import SubsamplePoints
from mmpointrend.structures import PointMasks

from ...reference import load_reference


def subsample(masks: PointMasks, num_points: int) -> PointMasks:
    return SubsamplePoints(num_points).transform({'gt_masks': masks})['gt_masks']


def rows(masks: PointMasks) -> list[list[tuple]]:
    """The points (x, y, label) of each object that are not ignored, sorted."""
    objects = masks.to_ndarray().tolist()
    return [sorted(tuple(point) for point in points if point[2] != -1) for points in objects]


@pytest.fixture
def reference() -> dict:
    """Five of ten points of three objects, as detectron2 draws them."""
    cases = load_reference('point_sup_utils')['dataset_side']
    return next(case for case in cases if case['name'] == 'subsample5')


@pytest.fixture
def masks(reference) -> PointMasks:
    """The ten points of the reference; of the last object, three are not ignored."""
    coords = [np.stack(ann['point_coords']) + 0.5 for ann in reference['annotations']]
    labels = [ann['point_labels'].numpy() for ann in reference['annotations']]
    labels[2] = np.where(np.arange(10) % 4 == 1, labels[2], -1)
    return PointMasks(coords, labels, *reference['in_image_size'])


def test_as_many_points_are_kept_as_in_the_reference(masks, reference):
    expected = [len(set(map(tuple, xy.tolist()))) for xy in reference['gt_point_coords']]
    kept = subsample(masks, reference['sample_points'])
    assert [len(set(points)) for points in rows(kept)[:2]] == expected[:2] == [5, 5]


def test_the_points_kept_are_points_of_the_object_with_their_labels(masks):
    for kept, before in zip(rows(subsample(masks, 5)), rows(masks), strict=True):
        assert set(kept) <= set(before)


def test_the_draw_is_without_replacement():
    coords = np.stack([np.arange(10) + 0.5] * 2, axis=-1)[None]
    masks = PointMasks(coords, np.ones((1, 10)), 16, 16)
    for _ in range(20):
        assert len(set(rows(subsample(masks, 9))[0])) == 9


def test_an_object_with_fewer_points_has_no_more_than_before():
    coords = [np.full((count, 2), 3.5) for count in (6, 2, 4)]
    masks = PointMasks(coords, [[1] * len(points) for points in coords], 16, 16)
    assert subsample(masks, 4).num_points.tolist() == [4, 2, 4]


def test_ignored_points_are_not_drawn_and_all_of_too_few_are_kept(masks):
    kept = subsample(masks, 5)
    assert (kept.labels[:2] != -1).sum(axis=1).tolist() == [5, 5]
    assert rows(kept)[2] == rows(masks)[2]
    assert len(rows(kept)[2]) == 3


def test_every_point_is_drawn_equally_often(masks):
    np.random.seed(0)
    counts = np.zeros(10)
    first = masks.coords[0].tolist()
    for _ in range(2000):
        for point in subsample(masks, 5).coords[0].tolist():
            counts[first.index(point)] += 1
    # 1000 expected, the standard deviation of a fair draw is 22.
    np.testing.assert_allclose(counts, 1000, atol=110)


def test_numpys_seed_decides_the_draw(masks):
    draws = []
    for seed in (3, 3, 4):
        np.random.seed(seed)
        draws.append(subsample(masks, 5).to_ndarray().tolist())
    assert draws[0] == draws[1] != draws[2]


@pytest.mark.parametrize('shape', [(0, 0), (0, 10), (3, 0)])
def test_no_object_or_no_point_is_left_as_it_is(shape):
    masks = PointMasks(np.zeros((*shape, 2)), np.zeros(shape), 8, 8)
    assert subsample(masks, 5).labels.shape == (shape[0], min(shape[1], 5))


@pytest.mark.parametrize('num_points', [0, -1, 2.0, '5'])
def test_num_points_must_be_a_positive_integer(num_points):
    with pytest.raises(ValueError, match='num_points must be a positive integer'):
        SubsamplePoints(num_points)


@pytest.mark.parametrize(
    ('results', 'found'),
    [({}, 'NoneType'), ({'gt_masks': BitmapMasks([], 8, 8)}, 'BitmapMasks')],
)
def test_it_needs_points(results, found):
    with pytest.raises(TypeError, match=f'got {found}: put it after mmpointrend.LoadPoint'):
        SubsamplePoints().transform(results)


def test_it_is_built_from_a_config_of_mmdet():
    transform = TRANSFORMS.build({'type': 'mmpointrend.SubsamplePoints', 'num_points': 7})
    assert repr(transform) == 'SubsamplePoints(num_points=7)'
