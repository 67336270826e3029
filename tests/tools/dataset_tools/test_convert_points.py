"""The command that converts points; the formats are tested with the package."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

POINTS = Path(__file__).parents[2] / 'data' / 'coco_points_out_n10_npseed12345.json'


@pytest.mark.parametrize('name', ['labelme', 'label-studio', 'cvat', 'datumaro', 'coco-keypoints'])
def test_there_and_back(run: Callable, tmp_path: Path, name: str) -> None:
    run(POINTS, tmp_path / 'there', '--from', 'coco-points', '--to', name)
    run(tmp_path / 'there', tmp_path / 'back', '--from', name, '--to', 'coco-points')
    assert json.loads((tmp_path / 'back').read_text()) == json.loads(POINTS.read_text())


def test_notes_are_printed_one_by_one(
    run: Callable, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    data = json.loads(POINTS.read_text())
    for ann in data['annotations'][:2]:
        ann |= {'point_coords': [], 'point_labels': []}
    (tmp_path / 'in.json').write_text(json.dumps(data))
    run(tmp_path / 'in.json', tmp_path / 'a.xml', '--from', 'coco-points', '--to', 'cvat')
    run(tmp_path / 'a.xml', tmp_path / 'out.json', '--from', 'cvat', '--to', 'coco-points')
    captured = capsys.readouterr()
    notes = captured.err.splitlines()
    assert len(notes) == 2
    assert all(note.startswith('note: ') and 'without points' in note for note in notes)
    assert '2 notes' in captured.out


def test_a_bad_annotation_is_named_and_nothing_written(run: Callable, tmp_path: Path) -> None:
    data = json.loads(POINTS.read_text())
    for ann in data['annotations'][:2]:
        ann['bbox'] = [5000, 5000, 5, 5]
    (tmp_path / 'in.json').write_text(json.dumps(data))
    with pytest.raises(SystemExit) as caught:
        run(tmp_path / 'in.json', tmp_path / 'out', '--from', 'coco-points', '--to', 'labelme')
    lines = str(caught.value.code).splitlines()
    assert [line.split(': ')[2] for line in lines] == ['annotation 1', 'annotation 2']
    assert not (tmp_path / 'out').exists()


@pytest.mark.parametrize('name', ['labelme', 'label-studio', 'cvat', 'datumaro', 'coco-keypoints'])
def test_images_of_lvis_go_by_their_address(run: Callable, tmp_path: Path, name: str) -> None:
    data = json.loads(POINTS.read_text())
    for index, image in enumerate(data['images']):
        del image['file_name']
        image['coco_url'] = f'http://images.cocodataset.org/train2017/{index}.jpg'
    (tmp_path / 'in.json').write_text(json.dumps(data))
    run(tmp_path / 'in.json', tmp_path / 'there', '--from', 'coco-points', '--to', name)
    run(tmp_path / 'there', tmp_path / 'back', '--from', name, '--to', 'coco-points')
    assert json.loads((tmp_path / 'back').read_text()) == data


def test_an_image_without_a_name_is_named_with_its_file(run: Callable, tmp_path: Path) -> None:
    data = json.loads(POINTS.read_text())
    del data['images'][0]['file_name']
    (tmp_path / 'in.json').write_text(json.dumps(data))
    image_id = data['images'][0]['id']
    with pytest.raises(SystemExit, match=rf'in\.json: found image {image_id} with file_name None'):
        run(tmp_path / 'in.json', tmp_path / 'out', '--from', 'coco-points', '--to', 'cvat')


def test_what_a_tool_cannot_tell_apart_is_named_with_its_file(
    run: Callable, tmp_path: Path
) -> None:
    data = json.loads(POINTS.read_text())
    data['categories'].append({**data['categories'][0], 'id': 999})
    (tmp_path / 'in.json').write_text(json.dumps(data))
    with pytest.raises(SystemExit, match=r"error: .*in\.json: found category '.*' twice"):
        run(tmp_path / 'in.json', tmp_path / 'out', '--from', 'coco-points', '--to', 'cvat')


@pytest.mark.parametrize('force', [(), ('--force',)])
def test_a_folder_is_never_replaced(
    run: Callable, tmp_path: Path, capsys: pytest.CaptureFixture, force: tuple
) -> None:
    (tmp_path / 'out').mkdir()
    with pytest.raises(SystemExit):
        run(POINTS, tmp_path / 'out', '--from', 'coco-points', '--to', 'labelme', *force)
    assert 'out: found a folder, expected a new file or folder' in capsys.readouterr().err


def test_a_missing_file_is_named(
    run: Callable, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    with pytest.raises(SystemExit):
        run(tmp_path / 'no.xml', tmp_path / 'out', '--from', 'cvat', '--to', 'labelme')
    assert 'no.xml: no such file or folder' in capsys.readouterr().err
