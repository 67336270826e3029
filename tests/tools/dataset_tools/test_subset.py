"""The command that keeps random images; which ones is tested with the package."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mmpointrend.annotation import annotation_seconds


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """20 images with an object of ten points each."""
    ann = {'category_id': 1, 'bbox': [0, 0, 5, 5], 'area': 25}
    ann |= {'point_coords': [[1, 1]] * 10, 'point_labels': [1] * 10}
    data = {
        'images': [{'id': index, 'width': 9, 'height': 9} for index in range(20)],
        'categories': [{'id': 1, 'name': 'x'}],
        'annotations': [{**ann, 'id': index, 'image_id': index} for index in range(20)],
    }
    (tmp_path / 'in.json').write_text(json.dumps(data))
    return tmp_path / 'in.json'


def load(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text())


def test_a_share_of_the_images_is_kept_and_the_file_says_so(run: Callable, source: Path) -> None:
    out = source.with_name('out.json')
    run(source, out, '--share', 0.25, '--seed', 2)
    data = load(out)
    assert len(data['images']) == len(data['annotations']) == 5
    assert data['info']['history'] == [{'tool': 'subset', 'share': 0.25, 'seed': 2}]


@pytest.mark.parametrize('form', ['boxes', 'points', 'masks'])
def test_a_budget_is_spent_on_whole_images(run: Callable, source: Path, form: str) -> None:
    out = source.with_name('out.json')
    run(source, out, '--seconds', 2000, '--form', form)
    data = load(out)
    spent = annotation_seconds(data, form)
    assert data['info']['history'][0]['spent'] == pytest.approx(spent)
    assert spent <= 2000 < spent * (1 + 1 / len(data['images']))


def test_other_costs_make_another_subset(run: Callable, source: Path) -> None:
    out = source.with_name('out.json')
    costs = ('--image-seconds', 0, '--object-seconds', 0)
    run(source, out, '--seconds', 80, '--form', 'points', *costs)
    assert len(load(out)['images']) == 5  # of 7 + 10 * 0.9 seconds each


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        ((), 'one of the arguments --share --seconds is required'),
        (('--share', -0.1), '--share: found -0.1, expected a number from 0 to 1'),
        (('--seconds', 9), '--form: expected with --seconds'),
        (('--share', 0.5, '--form', 'boxes'), '--form: expected with --seconds'),
        (('--seconds', 'nan', '--form', 'boxes'), '--seconds: found nan, expected 0 or more'),
        (('--share', 0.5, '--object-seconds', -1), '--object-seconds: found -1.0, expected'),
        (('--share', 0.5, '--seed', -1), '--seed: found -1, expected 0 or more'),
    ],
)
def test_a_bad_option_is_named(
    run: Callable, source: Path, capsys: pytest.CaptureFixture, options: tuple, message: str
) -> None:
    with pytest.raises(SystemExit):
        run(source, source.with_name('out.json'), *options)
    assert message in capsys.readouterr().err


def test_a_budget_of_points_needs_points(run: Callable, source: Path) -> None:
    data = load(source)
    del data['annotations'][3]['point_labels']
    source.write_text(json.dumps(data))
    with pytest.raises(SystemExit, match=r'in\.json: annotation 3: found no'):
        run(source, source.with_name('out.json'), '--seconds', 9, '--form', 'points')


def test_labels_that_are_null_are_one_error(run: Callable, source: Path) -> None:
    data = load(source)
    data['annotations'][3]['point_labels'] = None
    source.write_text(json.dumps(data))
    with pytest.raises(SystemExit, match=r'in\.json: annotation 3: found point_labels None'):
        run(source, source.with_name('out.json'), '--seconds', 9, '--form', 'points')
