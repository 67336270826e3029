import numpy as np
import pytest

from mmpointrend.visualization import mask_errors_figure, selection_figure
from mmpointrend.visualization.selection import NEAR, UNIFORM, WRONG

from .test_figures import pixels, rgb, where


def test_points_have_the_colour_of_their_share_and_are_where_they_are(tmp_path):
    points = np.array([[15.0, 10.0], [45.0, 30.0]])
    picture = pixels(selection_figure(np.zeros((40, 60)), {'': (points, 1)}), tmp_path)
    height, width = picture.shape[:2]
    for (x, y), colour in zip(points, (NEAR, UNIFORM), strict=True):
        rows, columns = where(picture, rgb(colour))
        assert columns.mean() / width == pytest.approx(x / 60, abs=0.03)
        assert rows.mean() / height == pytest.approx(y / 40, abs=0.04)


def test_no_points(tmp_path):
    picture = pixels(selection_figure(np.ones((4, 4), bool), {'': (np.zeros((0, 2)), 0)}), tmp_path)
    assert len(where(picture, rgb(NEAR))[0]) == 0


def test_errors_are_where_a_mask_differs(tmp_path):
    truth = np.zeros((40, 60), bool)
    wrong = truth.copy()
    wrong[:, 30:] = True
    rows, columns = where(pixels(mask_errors_figure({'': wrong}, truth), tmp_path), rgb(WRONG))
    assert len(rows) > 1000
    assert columns.min() > 700


@pytest.mark.parametrize('mask', [np.zeros((40, 60), bool), np.ones((20, 30), bool)])
def test_equal_masks_and_masks_of_another_size_show_no_errors(tmp_path, mask):
    figure = mask_errors_figure({'': mask}, np.zeros((40, 60), bool))
    assert len(where(pixels(figure, tmp_path), rgb(WRONG))[0]) == 0
