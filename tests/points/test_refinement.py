import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mmpointrend.points import refine_mask, regular_grid, render


def disc(points, size):
    """Signed distance to a disc in a result of this size (H, W); points in pixels, (..., 2)."""
    height, width = size
    return (
        0.35 * min(size)
        - ((points - points.new_tensor((width / 2, height / 2))) ** 2).sum(-1).sqrt()
    )


def centres(size):
    """Pixel centres of a result, shape (H * W, 2)."""
    return regular_grid(size) * torch.tensor([size[1], size[0]])


def coarse_disc(coarse, size):
    """The disc at the cell centres of a coarse mask, in pixels of the result."""
    return disc(regular_grid(coarse) * torch.tensor([size[1], size[0]]), size).view(coarse)


def test_it_is_render_for_sizes_that_are_doublings():
    coarse, size = torch.rand(2, 7, 9), (28, 36)

    def predict(points):
        return torch.sin(points[..., 0]) * torch.cos(points[..., 1])

    expected = render(
        lambda points: predict(points * torch.tensor([36, 28]))[..., None] - 0.5,
        coarse[:, None] - 0.5,
        2,
        50,
    )
    refined = refine_mask(coarse, predict, size, num_points=50)
    torch.testing.assert_close(refined, expected[:, 0] + 0.5)


@given(
    st.tuples(st.integers(1, 9), st.integers(1, 9)),
    st.tuples(st.integers(1, 40), st.integers(1, 40)),
)
def test_with_all_points_it_is_the_dense_prediction(coarse, size):
    expected = disc(centres(size), size).view(size)
    refined = refine_mask(
        torch.zeros(coarse), lambda p: disc(p, size), size, num_points=10**6, threshold=0
    )
    torch.testing.assert_close(refined, expected)


@pytest.mark.parametrize('size', [(224, 224), (200, 301), (113, 97)])
def test_a_few_points_find_the_exact_boundary(size):
    asked = []

    def predict(points):
        asked.append(len(points))
        return disc(points, size)

    refined = refine_mask(coarse_disc((28, 28), size), predict, size, num_points=2000, threshold=0)
    expected = disc(centres(size), size).view(size)
    assert torch.equal(refined > 0, expected > 0)
    assert sum(asked) < 0.6 * size[0] * size[1]


@pytest.mark.parametrize('size', [(28, 36), (25, 31), (50, 33)])
def test_the_coarse_mask_covers_the_region_of_the_result(size):
    # Columns of the result, read at the cells of the coarse mask; interpolation gives them back.
    columns = (regular_grid((7, 9)) * size[1])[:, 0].view(7, 9)
    refined = refine_mask(columns, lambda points: points[..., 0], size, num_points=1)
    inner = slice(size[1] // 4, -size[1] // 4)
    expected = (torch.arange(size[1]) + 0.5).expand(size)
    torch.testing.assert_close(refined[:, inner], expected[:, inner])


def test_a_mask_of_the_size_of_the_result_is_refined_once():
    size, asked = (40, 40), []

    def predict(points):
        asked.append(len(points))
        return disc(points, size)

    refine_mask(torch.zeros(size), predict, size, num_points=100)
    assert asked == [100]


@given(
    st.tuples(st.integers(1, 9), st.integers(1, 9)),
    st.tuples(st.integers(1, 40), st.integers(1, 40)),
)
def test_no_point_outside_of_the_result_is_asked_for(coarse, size):
    def predict(points):
        assert (points >= 0.5).all() and (points <= np.array(size[::-1]) - 0.5).all()
        return np.zeros(len(points))

    assert refine_mask(np.zeros(coarse), predict, size, num_points=10**6).shape == size


@pytest.mark.parametrize('shape', [(6, 6), (3, 6, 6)])
def test_numpy_in_numpy_out(shape):
    def predict(points):
        assert isinstance(points, np.ndarray)
        return disc(torch.from_numpy(points), (24, 24)).numpy()

    coarse = np.random.default_rng(0).random(shape)
    refined = refine_mask(coarse, predict, (24, 24), num_points=30, threshold=0)
    assert isinstance(refined, np.ndarray) and refined.dtype == np.float32
    expected = refine_mask(
        torch.from_numpy(coarse), lambda p: disc(p, (24, 24)), (24, 24), num_points=30, threshold=0
    )
    np.testing.assert_allclose(refined, expected.numpy(), atol=1e-5)


@pytest.mark.parametrize('dtype', [bool, np.int64, np.float64])
def test_labels_are_scores(dtype):
    coarse = np.zeros((8, 8), dtype)
    coarse[:, 4:] = 1
    refined = refine_mask(coarse, lambda points: points[::-1][::-1, 0] > 15, (32, 32))
    assert (refined > 0.5).sum(0).tolist() == [0] * 15 + [32] * 17


def test_no_masks():
    assert refine_mask(torch.zeros(0, 4, 4), lambda points: points[..., 0], (8, 8)).shape == (
        0,
        8,
        8,
    )


def test_a_prediction_of_the_wrong_shape_is_an_error():
    with pytest.raises(ValueError, match=r'\(4, 2\) for points of shape \(4, 2\), expected \(4,\)'):
        refine_mask(np.zeros((2, 2)), lambda points: points, (4, 4), num_points=4)


def test_a_size_without_pixels_is_an_error():
    with pytest.raises(ValueError, match=r'\(0, 4\)'):
        refine_mask(np.zeros((2, 2)), lambda points: points[:, 0], (0, 4))
