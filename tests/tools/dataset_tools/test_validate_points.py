"""The command that checks a file of points; the counts are tested with the package."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

DATA = Path(__file__).parents[2] / 'data'
POINTS = DATA / 'coco_points_out_n10_npseed12345.json'


def test_a_good_file_gives_its_counts(run: Callable, capsys: pytest.CaptureFixture) -> None:
    run(POINTS)
    lines = capsys.readouterr().out.splitlines()
    assert 'points per object  3 with 10' in lines
    assert 'on the object      19 (63.3%)' in lines


def test_a_file_with_masks_fails_and_names_the_first_annotations(run: Callable) -> None:
    with pytest.raises(SystemExit) as caught:
        run(DATA / 'coco_points_in.json')
    lines = str(caught.value.code).splitlines()
    assert [line.split(': ', 2)[2] for line in lines[:-1]] == [
        f"annotation {ann_id}: found a 'segmentation', expected points alone"
        for ann_id in (1, 2, 3, 4)
    ]
    assert lines[-1].startswith('4 errors in ')


def test_many_errors_are_cut_to_ten_and_counted(run: Callable, tmp_path: Path) -> None:
    ann = {'image_id': 1, 'category_id': 1, 'area': 25, 'bbox': [1, 1, 5, 5]}
    ann |= {'point_coords': [[1, 1]], 'point_labels': [2]}
    data = {
        'images': [{'id': 1, 'file_name': 'a.jpg', 'width': 9, 'height': 9}],
        'categories': [{'id': 1, 'name': 'x'}],
        'annotations': [{**ann, 'id': index} for index in range(25)],
    }
    (tmp_path / 'bad.json').write_text(json.dumps(data))
    with pytest.raises(SystemExit) as caught:
        run(tmp_path / 'bad.json')
    lines = str(caught.value.code).splitlines()
    assert len(lines) == 11
    assert lines[-1].startswith('25 errors in ')


def test_a_file_whose_parts_do_not_fit_is_one_error(run: Callable, tmp_path: Path) -> None:
    data = json.loads(POINTS.read_text())
    data['annotations'][0]['image_id'] = 99
    (tmp_path / 'bad.json').write_text(json.dumps(data))
    with pytest.raises(SystemExit, match=r'bad\.json: found annotation 1 with image_id 99'):
        run(tmp_path / 'bad.json')


def test_an_image_without_a_name_is_an_error(run: Callable, tmp_path: Path) -> None:
    data = json.loads(POINTS.read_text())
    del data['images'][0]['file_name']
    (tmp_path / 'bad.json').write_text(json.dumps(data))
    image_id = data['images'][0]['id']
    with pytest.raises(SystemExit, match=rf'bad\.json: found image {image_id} with file_name None'):
        run(tmp_path / 'bad.json')


def test_a_missing_file_is_named(
    run: Callable, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    with pytest.raises(SystemExit):
        run(tmp_path / 'none.json')
    assert 'none.json: no such file' in capsys.readouterr().err
