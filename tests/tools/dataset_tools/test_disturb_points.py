"""The command that flips labels; which ones is tested with the package."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mmpointrend.annotation import read_coco, reference_points

DATA = Path(__file__).parents[2] / 'data'
POINTS = DATA / 'coco_points_out_n10_npseed12345.json'
MASKS = DATA / 'coco_points_in.json'


def labels(path: Path) -> np.ndarray:
    annotations = json.loads(path.read_text())['annotations']
    return np.concatenate([ann['point_labels'] for ann in annotations if not ann['iscrowd']])


def flipped(path: Path) -> np.ndarray:
    return labels(path) != labels(POINTS)


def test_random_labels_are_flipped_and_the_file_says_so(run: Callable, tmp_path: Path) -> None:
    out = tmp_path / 'out.json'
    run(POINTS, out, '--share', 0.1, '--seed', 3)
    assert flipped(out).sum() == 3
    step = {'tool': 'disturb_points', 'share': 0.1, 'where': 'random', 'seed': 3, 'flipped': 3}
    assert json.loads(out.read_text())['info']['history'] == [step]


def test_labels_nearest_to_the_boundary_are_flipped(run: Callable, tmp_path: Path) -> None:
    out = tmp_path / 'out.json'
    run(POINTS, out, '--share', 0.2, '--where', 'boundary', '--masks', MASKS)
    items = reference_points(*read_coco(POINTS), *read_coco(MASKS), 'points', 'masks')
    distances = np.concatenate([item.distances for item in items])
    flip = flipped(out)
    assert flip.sum() == 6
    assert distances[flip].max() <= distances[~flip].min()


def test_same_seed_same_file(run: Callable, tmp_path: Path) -> None:
    for name, seed in (('a', 3), ('b', 3), ('c', 4)):
        run(POINTS, tmp_path / name, '--share', 0.3, '--seed', seed)
    first, again, other = (flipped(tmp_path / name).tolist() for name in 'abc')
    assert first == again != other


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (('--share', 1.5), '--share: found 1.5, expected a number from 0 to 1'),
        (('--share', 'nan'), '--share: found nan, expected a number from 0 to 1'),
        (('--share', 0.1, '--seed', -1), '--seed: found -1, expected 0 or more'),
        (('--share', 0.1, '--where', 'boundary'), '--masks: expected with --where boundary'),
        (('--share', 0.1, '--masks', MASKS), '--masks: expected with --where boundary'),
    ],
)
def test_a_bad_option_is_named(
    run: Callable, tmp_path: Path, capsys: pytest.CaptureFixture, options: tuple, message: str
) -> None:
    with pytest.raises(SystemExit):
        run(POINTS, tmp_path / 'out.json', *options)
    assert message in capsys.readouterr().err


def test_a_bad_file_is_one_error_and_no_file(run: Callable, tmp_path: Path) -> None:
    data: dict[str, Any] = json.loads(POINTS.read_text())
    data['annotations'][1]['point_labels'][0] = 2
    (tmp_path / 'in.json').write_text(json.dumps(data))
    with pytest.raises(SystemExit, match=r'error: .*in\.json: annotation 2: found label 2'):
        run(tmp_path / 'in.json', tmp_path / 'out.json', '--share', 0.1)
    assert [path.name for path in tmp_path.iterdir()] == ['in.json']
