"""The command ``python -m mmpointrend.points``."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mmpointrend.points import __main__ as command
from mmpointrend.points import select_mask_points


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Runs the command on a mask in the temporary folder and returns this folder."""

    def run(mask: np.ndarray, *arguments: str) -> Path:
        Image.fromarray(mask).save(tmp_path / 'mask.png')
        files = [str(tmp_path / name) for name in ('mask.png', 'points.png', 'points.csv')]
        argv = ['points', files[0], '-o', files[1], '--csv', files[2], *arguments]
        monkeypatch.setattr(sys, 'argv', argv)
        command.main()
        return tmp_path

    return run


def read_csv(folder):
    assert (folder / 'points.csv').read_text().startswith('x,y\n')
    return np.loadtxt(folder / 'points.csv', np.float32, delimiter=',', skiprows=1, ndmin=2)


def half(height, width, value=255):
    mask = np.zeros((height, width), np.uint8)
    mask[:, width // 2 :] = value
    return mask


def test_it_writes_the_points_that_the_function_gives(run):
    mask = half(20, 30)
    folder = run(mask, '-n', '50', '--beta', '0.5', '--neighborhood', '2', '--seed', '7')
    expected = select_mask_points(mask, 50, beta=0.5, neighborhood=2, generator=7)
    assert np.array_equal(read_csv(folder), expected)


def test_csv_lies_beside_the_picture_where_nothing_else_is_said(run, tmp_path, monkeypatch):
    run(half(20, 30), '-n', '50')
    named = read_csv(tmp_path)
    (tmp_path / 'points.csv').unlink()
    paths = [str(tmp_path / name) for name in ('mask.png', 'points.png')]
    monkeypatch.setattr(
        sys, 'argv', ['points', paths[0], '-o', paths[1], '-n', '50', '--csv', '--seed', '0']
    )
    command.main()
    assert np.array_equal(read_csv(tmp_path), named)


def test_density(run):
    assert len(read_csv(run(half(20, 30), '--density', '0.25'))) == 150


def test_soft_values_are_probabilities(run):
    grey = np.tile(np.arange(0, 250, 5, dtype=np.uint8), (20, 1))
    folder = run(grey, '--soft', '-n', '40')
    assert np.array_equal(
        read_csv(folder), select_mask_points(grey / np.float32(255), 40, generator=0)
    )


def test_it_draws_points_where_they_are(run):
    folder = run(half(40, 80), '--beta', '1')
    picture = np.asarray(Image.open(folder / 'points.png').convert('RGB')).astype(int)
    orange = (np.abs(picture - (255, 0x77, 0)) < 30).all(-1)
    columns = np.nonzero(orange)[1] / picture.shape[1]
    assert orange.sum() > 1000
    assert np.abs(columns - 0.5).max() < 0.04


@pytest.mark.parametrize(
    ('mask', 'arguments', 'message'),
    [
        (np.zeros((4, 4, 3), np.uint8), (), 'found 3 channels, expected one'),
        (np.zeros((4, 4), np.uint16), ('--soft',), 'expected 8 bits'),
        (np.zeros((4, 4), np.uint8), ('--beta', '2'), 'beta must be'),
    ],
)
def test_errors_are_one_line_with_the_file(run, mask, arguments, message):
    with pytest.raises(SystemExit, match=f'error: .*mask.png: .*{message}'):
        run(mask, *arguments)


@pytest.mark.parametrize(('content', 'message'), [(None, 'no such file'), ('text', 'no image')])
def test_a_file_that_is_no_image_is_an_error(tmp_path, content, message):
    if content:
        (tmp_path / 'mask.png').write_text(content)
    with pytest.raises(SystemExit, match=f'mask.png: .*{message}'):
        command.read_mask(tmp_path / 'mask.png', soft=False)


def test_it_runs_as_a_module(tmp_path):
    Image.fromarray(half(8, 8)).save(tmp_path / 'mask.png')
    arguments = [str(tmp_path / 'mask.png'), '-o', str(tmp_path / 'out' / 'points.png')]
    subprocess.run([sys.executable, '-m', 'mmpointrend.points', *arguments], check=True)
    assert (tmp_path / 'out' / 'points.png').is_file()
