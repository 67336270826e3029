"""Annotation files: checked when read, complete when written."""

import json
from argparse import ArgumentParser
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from mmpointrend.annotation import (
    PointAnnotationError,
    add_history,
    check_files,
    image_name,
    new_folder,
    read_coco,
    write_coco,
    write_json,
)


def coco() -> dict[str, Any]:
    return {
        'images': [{'id': 1, 'width': 80, 'height': 60, 'file_name': 'a.jpg'}],
        'categories': [{'id': 2, 'name': 'x'}],
        'annotations': [
            {'id': 5, 'image_id': 1, 'category_id': 2},
            {'id': 6, 'image_id': 1, 'category_id': 2},
        ],
    }


def write(folder: Path, data: Any) -> str:
    path = folder / 'file.json'
    path.write_text(json.dumps(data))
    return str(path)


def test_reads_the_file_and_its_images_by_id(tmp_path: Path) -> None:
    data, images = read_coco(write(tmp_path, coco()))
    assert data == coco()
    assert images == {1: coco()['images'][0]}


def broken(key: str, index: int, **changes: Any) -> dict[str, Any]:
    data = coco()
    data[key][index].update(changes)
    return data


@pytest.mark.parametrize(
    ('data', 'found'),
    [
        ([], 'a JSON list'),
        ({'images': []}, "no list 'annotations'"),
        ({'annotations': []}, "no list 'images'"),
        ({'images': [{'width': 1, 'height': 1}], 'annotations': []}, 'images[0] without an id'),
        ({'images': [], 'annotations': ['text']}, 'annotations[0] without an id'),
        (broken('images', 0, width=0), 'image 1 with width 0'),
        (broken('images', 0, height='60'), "image 1 with height '60'"),
        (broken('images', 0, id=[1]), 'image id [1]'),
        ({**coco(), 'images': coco()['images'] * 2}, 'image id 1 twice'),
        (broken('annotations', 1, id=5), 'annotation id 5 twice'),
        (broken('annotations', 1, id='6'), "annotation id '6'"),
        (broken('annotations', 1, id=-6), 'annotation id -6'),
        (broken('annotations', 1, image_id=9), 'annotation 6 with image_id 9'),
        (broken('annotations', 1, image_id=None), 'annotation 6 with image_id None'),
        (broken('annotations', 1, category_id=9), 'annotation 6 with category_id 9'),
        ({**coco(), 'categories': None}, "no list 'categories'"),
        (broken('categories', 0, name=None), 'category 2 with name None'),
        (broken('categories', 0, name=''), "category 2 with name ''"),
    ],
)
def test_parts_that_do_not_fit_are_one_error_with_file_and_id(
    tmp_path: Path, data: Any, found: str
) -> None:
    path = write(tmp_path, data)
    with pytest.raises(PointAnnotationError) as caught:
        read_coco(path)
    assert str(caught.value).startswith(f'{path}: found {found}')
    assert ', expected ' in str(caught.value)


@pytest.mark.parametrize(
    ('image', 'name'),
    [
        ({'file_name': 'a/b.jpg'}, 'a/b.jpg'),
        ({'coco_url': 'http://x.org/train2017/b.jpg'}, 'train2017/b.jpg'),
        ({'coco_url': 'http://x.org/train2017/b.jpg', 'file_name': 'b.jpg'}, 'b.jpg'),
    ],
)
def test_an_image_has_a_file_name_or_the_end_of_its_address(
    image: dict[str, Any], name: str
) -> None:
    assert image_name({'id': 1, **image}, 'in.json') == name


@pytest.mark.parametrize('image', [{}, {'file_name': 5}, {'file_name': '', 'coco_url': None}])
def test_an_image_without_a_name_is_named_by_its_id(image: dict[str, Any]) -> None:
    with pytest.raises(PointAnnotationError, match=r'in\.json: found image 9 with file_name'):
        image_name({'id': 9, **image}, 'in.json')


def test_text_that_is_no_json_is_an_error_with_the_file(tmp_path: Path) -> None:
    path = tmp_path / 'cut.json'
    path.write_text('{"images": [')
    with pytest.raises(PointAnnotationError, match=r'cut\.json: found no valid JSON'):
        read_coco(path)


def test_write_json_replaces_a_file_and_leaves_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / 'new' / 'file.json'
    write_json(path, {'old': 1})
    write_json(path, {'new': 2})
    assert json.loads(path.read_text()) == {'new': 2}
    assert list(path.parent.iterdir()) == [path]


def test_a_failed_write_keeps_the_old_file_and_leaves_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / 'file.json'
    write_json(path, {'old': 1})
    with pytest.raises(TypeError):
        write_json(path, {'new': object()})
    assert json.loads(path.read_text()) == {'old': 1}
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize('number', [0, 1, 600])
def test_annotations_one_by_one_make_the_file_of_all_at_once(tmp_path: Path, number: int) -> None:
    data = {'images': [], 'categories': [{'id': 1, 'name': 'é'}]}
    annotations = [{'id': index, 'bbox': [0.5, 1, 2, 3]} for index in range(number)]
    write_coco(tmp_path / 'a.json', data, iter(annotations))
    expected = json.dumps({**data, 'annotations': annotations})
    assert (tmp_path / 'a.json').read_text() == expected


def test_a_failure_between_annotations_leaves_no_file(tmp_path: Path) -> None:
    def fail() -> Iterator[dict[str, Any]]:
        yield {'id': 1}
        raise ValueError

    with pytest.raises(ValueError):
        write_coco(tmp_path / 'a.json', {'images': []}, fail())
    assert not list(tmp_path.iterdir())


def test_new_folder_appears_when_it_is_complete(tmp_path: Path) -> None:
    with new_folder(tmp_path / 'out') as folder:
        (folder / 'a.txt').write_text('a')
        assert not (tmp_path / 'out').exists()
    assert (tmp_path / 'out' / 'a.txt').read_text() == 'a'
    assert list(tmp_path.iterdir()) == [tmp_path / 'out']


def test_new_folder_leaves_nothing_after_an_error(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match='halfway'), new_folder(tmp_path / 'out') as folder:
        (folder / 'a.txt').write_text('a')
        raise RuntimeError('halfway')
    assert list(tmp_path.iterdir()) == []


def test_new_folder_never_replaces_one(tmp_path: Path) -> None:
    (tmp_path / 'out').mkdir()
    with pytest.raises(FileExistsError, match='out: exists already'), new_folder(tmp_path / 'out'):
        pass


Check = Callable[..., None]


@pytest.fixture
def check() -> Check:
    """check_files for a parser that raises its errors."""

    class Parser(ArgumentParser):
        def error(self, message: str) -> None:
            raise ValueError(message)

    return partial(check_files, Parser())


def test_a_new_file_may_be_written(tmp_path: Path, check: Check) -> None:
    (tmp_path / 'in.json').touch()
    check([tmp_path / 'in.json'], [tmp_path / 'out.json'])


def test_an_input_that_is_not_there(tmp_path: Path, check: Check) -> None:
    with pytest.raises(ValueError, match=r'in\.json: no such file'):
        check([tmp_path / 'in.json'])


def test_another_file_is_replaced_by_force_alone(tmp_path: Path, check: Check) -> None:
    source, out = tmp_path / 'in.json', tmp_path / 'out.json'
    source.touch()
    out.touch()
    with pytest.raises(ValueError, match=r'out\.json: exists already; --force replaces it'):
        check([source], [out])
    check([source], [out], force=True)


def test_no_force_replaces_the_input(tmp_path: Path, check: Check) -> None:
    (tmp_path / 'in.json').touch()
    (tmp_path / 'link.json').symlink_to(tmp_path / 'in.json')
    with pytest.raises(ValueError, match=r'link\.json: found the input'):
        check([tmp_path / 'in.json'], [tmp_path / 'link.json'], force=True)


@pytest.mark.parametrize('force', [False, True])
def test_a_folder_is_no_output(tmp_path: Path, check: Check, force: bool) -> None:
    with pytest.raises(ValueError, match=f'{tmp_path}: found a folder, expected a file'):
        check([], [tmp_path], force)


@pytest.mark.parametrize('name', ['file/o.json', 'file/new/o.json'])
def test_nothing_can_be_written_below_a_file(tmp_path: Path, check: Check, name: str) -> None:
    (tmp_path / 'file').touch()
    with pytest.raises(ValueError, match=r'o\.json: found the file .*/file, expected a folder'):
        check([], [tmp_path / name], force=True)


def test_missing_folders_are_no_error(
    tmp_path: Path, check: Check, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    check([], [tmp_path / 'new/folder/o.json', Path('new/o.json')])


def test_history_is_a_list_in_info_and_grows() -> None:
    data = add_history(add_history({'info': {'year': 2017}, 'images': []}, tool='a'), tool='b')
    assert data == {'info': {'year': 2017, 'history': [{'tool': 'a'}, {'tool': 'b'}]}, 'images': []}
    assert add_history({}, tool='a') == {'info': {'history': [{'tool': 'a'}]}}
