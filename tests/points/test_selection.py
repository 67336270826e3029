import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from mmpointrend.points import boundary_band, getpoint, select_mask_points, uncertainty_map

SHAPES = hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=12)
MASKS = hnp.arrays(np.bool_, SHAPES)
LABELS = hnp.arrays(np.uint8, SHAPES, elements=st.integers(0, 2))
BATCHES = hnp.arrays(np.bool_, hnp.array_shapes(min_dims=3, max_dims=3, min_side=1, max_side=7))
BETAS = st.floats(0, 1)


def naive_band(labels, width):
    """Pixels whose square of 2 width + 1 pixels holds two labels, one by one."""
    band = np.zeros(labels.shape, bool)
    for i, j in np.ndindex(*labels.shape):
        square = labels[max(i - width, 0) : i + width + 1, max(j - width, 0) : j + width + 1]
        band[i, j] = (square != labels[i, j]).any() or (square != square[0, 0]).any()
    return band


def disc(side=64, radius=20):
    y, x = np.mgrid[:side, :side] + 0.5
    return np.hypot(x - 0.55 * side, y - 0.45 * side) < radius


def pixels(points):
    """Rows and columns of the pixels that points lie in."""
    x, y = np.floor(points).astype(int).T
    return y, x


def assert_uniform(counts, weights=None):
    """Pearson's test: counts of independent draws fit probabilities in proportion to weights."""
    counts = np.asarray(counts, float).ravel()
    weights = np.ones(counts.size) if weights is None else np.asarray(weights, float).ravel()
    expected = counts.sum() * weights / weights.sum()
    assert expected.min() > 5
    statistic = ((counts - expected) ** 2 / expected).sum()
    freedom = counts.size - 1
    assert abs(statistic - freedom) < 5 * np.sqrt(2 * freedom)


@given(LABELS, st.integers(1, 14))
def test_band_holds_the_pixels_whose_square_has_two_labels(labels, width):
    assert np.array_equal(boundary_band(labels, width), naive_band(labels, width))


@pytest.mark.parametrize('width', range(1, 13))
def test_band_around_a_corner_has_no_gaps(width):
    labels = np.zeros((12, 12), bool)
    labels[0, 0] = True
    assert np.array_equal(boundary_band(labels, width), naive_band(labels, width))


def test_band_of_labels_that_differ_beyond_float32():
    labels = np.array([[2**60, 2**60 + 1, 2**60 + 1, 2**60 + 1]])
    assert boundary_band(labels).tolist() == [[True, True, False, False]]


def test_band_of_a_soft_mask_is_an_error():
    with pytest.raises(ValueError, match='threshold'):
        boundary_band(np.full((4, 4), 0.3))


@given(LABELS, st.integers(0, 50), BETAS, st.integers(1, 3), st.integers(0, 2**32))
def test_as_many_points_as_asked_and_their_share_in_the_band(labels, number, beta, width, seed):
    points = select_mask_points(labels, number, beta=beta, neighborhood=width, generator=seed)
    assert points.shape == (number, 2) and points.dtype == np.float32
    assert (points >= 0).all() and (points < labels.shape[::-1]).all()
    band = naive_band(labels, width)
    if band.any():
        assert band[pixels(points[: int(beta * number)])].all()


@given(BATCHES, st.integers(0, 20), st.integers(0, 2**32))
def test_every_mask_of_a_batch_has_its_own_band(masks, number, seed):
    points = select_mask_points(masks, number, generator=seed)
    assert points.shape == (len(masks), number, 2)
    for mask, mask_points in zip(masks, points, strict=True):
        assert (mask_points >= 0).all() and (mask_points < mask.shape[::-1]).all()
        band = naive_band(mask, 1)
        if band.any():
            assert band[pixels(mask_points[: int(0.75 * number)])].all()


@pytest.mark.parametrize('kind', [np.ndarray, torch.Tensor])
def test_a_batch_without_masks(kind):
    masks = np.zeros((0, 4, 5), np.uint8)
    masks = masks if kind is np.ndarray else torch.from_numpy(masks)
    points = select_mask_points(masks, 7)
    assert isinstance(points, kind) and points.shape == (0, 7, 2)


def test_points_near_the_boundary_are_uniform_in_the_band():
    mask = disc()
    band = naive_band(mask, 2)
    points = select_mask_points(mask, 200 * band.sum(), beta=1, neighborhood=2, generator=0)
    counts = np.zeros(mask.shape)
    np.add.at(counts, pixels(points), 1)
    assert_uniform(counts[band])
    assert_uniform(np.histogramdd(points % 1, 8, [(0, 1)] * 2)[0])


def test_in_a_batch_too_points_are_uniform_in_the_band():
    masks = np.stack([disc(16, 4), np.ones((16, 16), bool), disc(16, 6)])
    bands = np.stack([naive_band(mask, 1) for mask in masks])
    bands[1] = True
    for band, points in zip(
        bands, select_mask_points(masks, 20_000, beta=1, generator=0), strict=True
    ):
        counts = np.zeros(band.shape)
        np.add.at(counts, pixels(points), 1)
        assert_uniform(counts[band])


def test_the_rest_is_uniform():
    points = select_mask_points(disc(), 100_000, beta=0.25, generator=0)[25_000:]
    assert_uniform(np.histogramdd(points, (16, 16), [(0, 64)] * 2)[0])


@pytest.mark.parametrize('value', [0, 1])
@pytest.mark.parametrize('dtype', [bool, np.uint8, np.float32])
def test_without_a_boundary_all_points_are_uniform(value, dtype):
    points = select_mask_points(np.full((16, 32), value, dtype), 50_000, generator=0)
    assert_uniform(np.histogramdd(points, (16, 8), [(0, 32), (0, 16)])[0])


def test_a_mask_of_one_pixel():
    points = select_mask_points(np.ones((1, 1), bool), 1000, generator=0)
    assert (points >= 0).all() and (points < 1).all()


def test_an_object_of_one_pixel_has_all_its_points_around_it():
    mask = np.zeros((9, 9), bool)
    mask[4, 4] = True
    points = select_mask_points(mask, 1000, beta=1, generator=0)
    assert (points >= 3).all() and (points < 6).all()


def test_points_are_in_the_band_in_spite_of_rounding():
    # A float32 near 8192 rounds an offset of more than 1 - 2**-11 up to the next pixel.
    mask = np.zeros((2, 8192), bool)
    mask[:, -1] = True
    points = select_mask_points(mask, 200_000, beta=1, generator=0)
    assert boundary_band(mask)[pixels(points)].all()


DTYPES = ['bool', 'u1', 'i1', 'u2', '>u2', 'u4', 'i4', 'i8', 'u8', 'f2', 'f4', 'f8', '>f8', 'g']


@given(MASKS, st.sampled_from(DTYPES), st.integers(0, 2**32))
def test_the_type_does_not_matter(mask, dtype, seed):
    expected = select_mask_points(mask, 20, generator=seed)
    assert np.array_equal(select_mask_points(mask.astype(dtype), 20, generator=seed), expected)


@given(BATCHES, st.permutations(range(3)), st.booleans(), st.integers(0, 2**32))
def test_the_layout_does_not_matter(masks, order, flip, seed):
    stored = np.ascontiguousarray(masks.transpose(order))
    view = (stored[::-1].copy()[::-1] if flip else stored).transpose(np.argsort(order))
    view.flags.writeable = False
    expected = select_mask_points(masks, 20, generator=seed)
    assert np.array_equal(select_mask_points(view, 20, generator=seed), expected)


TORCH_DTYPES = ['bool', 'uint8', 'int16', 'int64', 'uint16', 'float16', 'bfloat16', 'float64']


@given(MASKS | BATCHES, st.sampled_from(TORCH_DTYPES), st.booleans(), st.integers(0, 2**32))
def test_numpy_and_torch_agree(mask, dtype, transposed, seed):
    tensor = torch.from_numpy(mask).to(getattr(torch, dtype))
    if transposed:
        tensor = tensor.mT.contiguous().mT
    points = select_mask_points(tensor, 20, generator=torch.Generator().manual_seed(seed))
    assert isinstance(points, torch.Tensor)
    assert np.array_equal(points.numpy(), select_mask_points(mask, 20, generator=seed))


@given(hnp.arrays(np.float32, SHAPES, elements=st.floats(0, 1, width=32)), st.integers(0, 2**32))
def test_numpy_and_torch_agree_on_soft_masks(mask, seed):
    points = select_mask_points(mask, 20, generator=seed)
    assert np.array_equal(
        points, select_mask_points(torch.from_numpy(mask), 20, generator=seed).numpy()
    )
    assert points.shape == (20, 2)
    assert (points >= 0).all() and (points < mask.shape[::-1]).all()


@pytest.mark.parametrize('oversample', [3, 6])
def test_soft_points_are_the_most_uncertain_of_the_candidates(oversample):
    # Along a ramp the most uncertain candidates fill beta / oversample of the width.
    ramp = np.tile((np.arange(100) + 0.5) / 100, (50, 1))
    points = select_mask_points(ramp, 20_000, oversample=oversample, generator=0)
    near, rest = points[:15_000], points[15_000:]
    half = 100 * 0.75 / oversample / 2
    assert np.abs(near[:, 0] - 50).max() == pytest.approx(half, rel=0.03)
    assert_uniform(np.histogram(near[:, 0], 10, (50 - 0.95 * half, 50 + 0.95 * half))[0])
    assert_uniform(np.histogramdd(rest, (10, 10), [(0, 100), (0, 50)])[0])


def test_the_edge_of_a_soft_mask_is_as_certain_as_its_pixels():
    mask = np.full((20, 20), 0.95)
    mask[:, 9:11] = 0.5
    near = select_mask_points(mask, 4000, beta=0.2, generator=0)[:800]
    assert (np.abs(near[:, 0] - 10) < 2).all()


def test_density_is_the_number_of_points_per_pixel():
    assert len(select_mask_points(np.zeros((7, 9), bool), density=0.5)) == round(0.5 * 63)


def test_same_seed_same_points_and_another_seed_other_points():
    first, again, other = (select_mask_points(disc(), 9, generator=seed) for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not (first == other).any()


def test_a_generator_moves_on():
    generator = torch.Generator().manual_seed(3)
    first, second = (select_mask_points(disc(), 9, generator=generator) for _ in range(2))
    assert not (first == second).any()


def test_without_a_generator_the_global_one_counts():
    torch.manual_seed(3)
    expected = select_mask_points(disc(), 9)
    torch.manual_seed(3)
    assert np.array_equal(select_mask_points(disc(), 9), expected)


@pytest.mark.parametrize('dtype', [bool, np.uint8, np.float32, np.float64])
def test_the_mask_is_left_as_it_is(dtype):
    mask = disc().astype(dtype)
    before = mask.copy()
    select_mask_points(mask, 100)
    assert np.array_equal(mask, before)


@pytest.mark.parametrize(
    ('mask', 'arguments', 'message'),
    [
        (np.zeros(4), {}, r'shape \(4,\)'),
        (np.zeros((2, 0)), {}, r'shape \(2, 0\)'),
        (np.full((2, 2), 255.0), {}, '255 to 255'),
        (np.full((2, 2), np.nan), {}, 'nan'),
        (disc(), {'num_points': None}, 'num_points or density'),
        (disc(), {'density': 1.0}, 'num_points or density'),
        (disc(), {'num_points': -1}, 'number of points must be at least 0, got -1'),
        (disc(), {'beta': 1.1}, r'beta must be in \[0, 1\], got 1.1'),
        (disc(), {'oversample': 0.5}, 'oversample must be at least 1, got 0.5'),
        (disc(), {'neighborhood': 0}, 'width of the band must be at least 1, got 0'),
    ],
)
def test_a_wrong_argument_is_named(mask, arguments, message):
    with pytest.raises(ValueError, match=message):
        select_mask_points(mask, **{'num_points': 4, **arguments})


def test_uncertainty_is_minus_the_distance_from_one_half():
    mask = np.random.default_rng(0).random((2, 3, 4))
    np.testing.assert_allclose(uncertainty_map(mask), -np.abs(mask - 0.5), atol=1e-6)


@pytest.mark.parametrize('labels', [disc(), disc().astype(int) * 7])
def test_labels_are_certain(labels):
    assert (uncertainty_map(labels) == -0.5).all()


def test_getpoint_gives_row_and_column():
    mask = np.zeros((30, 80), np.uint8)
    mask[:, 40:] = 1
    points = getpoint(mask, 0.5, 1.0, nearest_neighbor=2, generator=0)
    assert points.shape == (1200, 2)
    assert points[:, 0].max() > 28 and points[:, 0].min() < 2
    assert points[:, 1].min() >= 38 and points[:, 1].max() < 42


@given(MASKS, st.floats(0, 4), BETAS)
def test_getpoint_gives_k_points_per_pixel(mask, k, beta):
    assert len(getpoint(mask, k, beta)) == int(k * mask.shape[0] * mask.shape[1])


def test_getpoint_outside_of_training_gives_the_pixels_above_zero():
    mask = np.array([[0.0, 0.2, 0.0], [0.0, 0.0, 0.9]])
    expected = [[0, 1], [1, 2]]
    assert getpoint(mask, 1, 0.5, training=False).tolist() == expected
    assert getpoint(torch.from_numpy(mask), 1, 0.5, training=False).tolist() == expected


def test_getpoint_takes_one_mask():
    with pytest.raises(ValueError, match=r'\(2, 3, 4\)'):
        getpoint(np.zeros((2, 3, 4)), 1, 0.5)


@pytest.mark.skipif(not torch.cuda.is_available(), reason='needs a GPU')
@settings(max_examples=20)
@given(MASKS | BATCHES, st.integers(0, 2**32))
def test_a_generator_of_the_cpu_gives_the_same_points_on_a_gpu(mask, seed):
    generator = torch.Generator().manual_seed(seed)
    points = select_mask_points(torch.from_numpy(mask).cuda(), 20, generator=generator)
    assert points.is_cuda
    assert np.array_equal(points.cpu().numpy(), select_mask_points(mask, 20, generator=seed))
