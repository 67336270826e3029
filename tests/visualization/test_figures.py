import cv2
import numpy as np
import pytest
from matplotlib.colors import to_rgb

from mmpointrend.visualization import (
    points_figure,
    predictions_figure,
    save_figure,
    subdivision_figure,
)
from mmpointrend.visualization.figures import BACKGROUND, COLOURS, OBJECT

GREY = np.full((40, 60, 3), 90, np.uint8)


def pixels(figure, tmp_path):
    save_figure(figure, tmp_path / 'figure.png')
    return cv2.cvtColor(cv2.imread(str(tmp_path / 'figure.png')), cv2.COLOR_BGR2RGB)


def where(picture, colour):
    """Rows and columns of the pixels that have a colour."""
    return np.nonzero((np.abs(picture.astype(int) - colour) <= 3).all(-1))


def rgb(name):
    return np.round(255 * np.array(to_rgb(name)))


def test_points_are_drawn_where_they_are(tmp_path):
    coords, labels = np.array([[[15.0, 10.0], [45.0, 30.0], [30.0, 20.0]]]), np.array([[1, 0, -1]])
    picture = pixels(points_figure([GREY], [np.zeros((0, 4))], [coords], [labels]), tmp_path)
    height, width = picture.shape[:2]
    for (x, y), colour in zip(coords[0], (OBJECT, BACKGROUND), strict=False):
        rows, columns = where(picture, rgb(colour))
        assert columns.mean() / width == pytest.approx(x / 60, abs=0.03)
        assert rows.mean() / height == pytest.approx(y / 40, abs=0.03)


def test_ignored_points_are_not_drawn(tmp_path):
    coords, labels = np.array([[[15.0, 10.0]]]), np.array([[-1]])
    picture = pixels(points_figure([GREY], [np.zeros((0, 4))], [coords], [labels]), tmp_path)
    assert len(where(picture, rgb(OBJECT))[0]) == len(where(picture, rgb(BACKGROUND))[0]) == 0


def test_masks_have_the_colours_of_their_classes(tmp_path):
    masks = np.zeros((2, 40, 60), bool)
    masks[0, :, :20] = masks[1, :, 40:] = True
    rows = {'masks': [(masks, np.array([0, 1]))], 'none': [(masks[:0], np.zeros(0, int))]}
    picture = pixels(predictions_figure([GREY], rows, ['a', 'b']), tmp_path)
    for label, middle in ((0, 1 / 6), (1, 5 / 6)):
        tinted = np.round(0.4 * 90 + 0.6 * COLOURS[label])
        _, columns = where(picture, tinted)
        assert len(columns) > 1000
        assert columns.mean() / picture.shape[1] == pytest.approx(middle, abs=0.03)


def test_subdivision_shows_picked_cells_only_after_the_dense_start(tmp_path):
    start, refined = np.full((4, 4), -1.0), np.full((8, 8), -1.0)
    for cells, drawn in ((np.arange(16), False), (np.array([9, 10]), True)):
        planes, picked = [start, refined], [np.arange(16), cells]
        if not drawn:
            planes, picked = planes[:1], picked[:1]
        figure = subdivision_figure(GREY, np.array([10, 10, 30, 30]), planes, picked)
        assert (len(where(pixels(figure, tmp_path), rgb('#ff7700'))[0]) > 0) == drawn


def test_a_failed_write_leaves_the_old_picture(tmp_path, monkeypatch):
    path = tmp_path / 'figure.png'
    path.write_bytes(b'old')
    figure = points_figure([GREY], [np.zeros((0, 4))], [np.zeros((0, 1, 2))], [np.zeros((0, 1))])
    monkeypatch.setattr(figure, 'savefig', lambda *a, **k: (_ for _ in ()).throw(OSError('full')))
    with pytest.raises(OSError, match='full'):
        save_figure(figure, path)
    assert path.read_bytes() == b'old'
