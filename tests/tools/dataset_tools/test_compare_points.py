"""The command that compares points with masks; the counts are tested with the package."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

DATA = Path(__file__).parents[2] / 'data'
POINTS = DATA / 'coco_points_out_n10_npseed12345.json'
MASKS = DATA / 'coco_points_in.json'


def test_points_drawn_from_masks_agree_with_them(
    run: Callable, capsys: pytest.CaptureFixture
) -> None:
    run(POINTS, MASKS)
    assert '| all | 30 | 30 | 100.00% |' in capsys.readouterr().out.splitlines()


def test_a_wrong_label_is_counted(
    run: Callable, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    data = json.loads(POINTS.read_text())
    data['annotations'][0]['point_labels'][4] ^= 1
    (tmp_path / 'points.json').write_text(json.dumps(data))
    run(tmp_path / 'points.json', MASKS, '--json')
    overall = json.loads(capsys.readouterr().out)['overall']
    assert (overall['points'], overall['agreeing']) == (30, 29)


def test_a_class_without_a_name_is_one_error(run: Callable, tmp_path: Path) -> None:
    data = json.loads(POINTS.read_text())
    category_id = data['categories'][0]['id']
    del data['categories'][0]['name']
    (tmp_path / 'points.json').write_text(json.dumps(data))
    message = rf'points\.json: found category {category_id} with name None, expected a text'
    with pytest.raises(SystemExit, match=message):
        run(tmp_path / 'points.json', MASKS)


def test_a_file_without_masks_is_one_error(run: Callable) -> None:
    with pytest.raises(SystemExit, match=r'error: .*annotation 1: found segmentation None'):
        run(POINTS, POINTS)
