import numpy as np
import pytest

from mmpointrend.visualization import rendering_figure
from mmpointrend.visualization.selection import NEAR, UNIFORM

from .test_figures import GREY, pixels, rgb, where


@pytest.fixture
def figure():
    """Two columns: a region with two training points, and one step with two picked cells."""
    start, refined = np.full((4, 4), -1.0, np.float32), np.full((8, 8), -1.0, np.float32)
    points = np.array([[15.0, 15.0], [25.0, 25.0]])
    box, picked = np.array([10.0, 10.0, 30.0, 30.0]), np.array([9, 10])
    return rendering_figure(GREY, box, points, 1, [start, refined], [picked])


def test_training_points_are_drawn_in_the_region(figure, tmp_path):
    picture = pixels(figure, tmp_path)
    _, columns = where(picture, rgb(UNIFORM))
    assert columns.mean() / picture.shape[1] == pytest.approx(0.75 / 2, abs=0.02)


def test_picked_cells_are_drawn_in_their_step(figure, tmp_path):
    picture = pixels(figure, tmp_path)
    rows, columns = where(picture, rgb(NEAR))
    in_step = columns > picture.shape[1] / 2
    assert columns[in_step].mean() / picture.shape[1] == pytest.approx(0.5 + 2 / 8 / 2, abs=0.02)
    assert rows[in_step].mean() / picture.shape[0] == pytest.approx((1 + 1.5 / 8) / 3, abs=0.03)


def test_every_step_says_what_it_predicted(figure):
    titles = [axis.get_title() for axis in figure.axes]
    assert titles == [
        *('region', 'uncertainty'),
        *('2 training points', '2 points, 3%'),
        *('4 x 4, dense', '8 x 8'),
    ]
