"""COCO instances as label maps."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mmpointrend.annotation import mask_annotation

ROOT = Path(__file__).parents[3]
SIZES = {'a.png': (20, 30), 'city/b.jpg': (16, 12)}  # height, width
NAMES = ['a.png', 'city/b.png']


def rectangle(size, x, y, w, h):
    mask = np.zeros(size, bool)
    mask[y : y + h, x : x + w] = True
    return mask


@pytest.fixture
def data():
    annotations = [
        mask_annotation(rectangle(SIZES['a.png'], 2, 3, 9, 8), 1, 1, 30),
        mask_annotation(rectangle(SIZES['a.png'], 5, 5, 3, 3), 2, 1, 7),
    ]
    images = [
        {'id': i, 'file_name': name, 'height': size[0], 'width': size[1]}
        for i, (name, size) in enumerate(SIZES.items(), start=1)
    ]
    categories = [{'id': 30, 'name': 'large'}, {'id': 7, 'name': 'small'}]
    return {'images': images, 'annotations': annotations, 'categories': categories}


@pytest.fixture
def source(data, tmp_path):
    path = tmp_path / 'instances.json'
    path.write_text(json.dumps(data))
    return path


def read(out):
    return {
        path.relative_to(out).as_posix(): np.asarray(Image.open(path))
        for path in sorted(out.rglob('*.png'))
    }


def test_categories_are_numbered_in_the_order_of_the_file(run, source, tmp_path, capsys):
    run(source, tmp_path / 'out', '--workers', 1)
    found = read(tmp_path / 'out')
    assert list(found) == NAMES
    expected = np.zeros(SIZES['a.png'], np.uint8)
    expected[3:11, 2:11], expected[5:8, 5:8] = 1, 2
    np.testing.assert_array_equal(found['a.png'], expected)
    np.testing.assert_array_equal(found['city/b.png'], np.zeros(SIZES['city/b.jpg'], np.uint8))
    assert '2 label maps, 3 classes' in capsys.readouterr().out


def test_several_processes(run, script, source, tmp_path):
    run(source, tmp_path / 'one', '--workers', 1)
    command = [sys.executable, script.__file__, source, tmp_path / 'two', '--workers', '2']
    environment = os.environ | {'PYTHONPATH': str(ROOT)}
    subprocess.run(list(map(str, command)), check=True, env=environment, capture_output=True)
    one, two = read(tmp_path / 'one'), read(tmp_path / 'two')
    assert list(one) == list(two)
    for name in one:
        np.testing.assert_array_equal(one[name], two[name])


def same_name(data):
    data['images'][1]['file_name'] = 'a.jpg'


def outside(data):
    data['images'][1]['file_name'] = '../b.jpg'


def too_many_categories(data):
    data['categories'] = [{'id': i, 'name': str(i)} for i in range(255)]


def no_mask(data):
    del data['annotations'][1]['segmentation']


@pytest.mark.parametrize(
    ('damage', 'message'),
    [
        (same_name, 'found 2 images of 1 names'),
        (outside, r"found the image '\.\./b\.png', expected a relative path"),
        (too_many_categories, 'found 255 categories, expected at most 254'),
        (no_mask, 'segmentation'),
    ],
)
def test_a_bad_file_is_one_error_and_no_output(run, data, tmp_path, damage, message):
    damage(data)
    source = tmp_path / 'instances.json'
    source.write_text(json.dumps(data))
    with pytest.raises(SystemExit, match=message):
        run(source, tmp_path / 'out', '--workers', 1)
    assert [path.name for path in tmp_path.iterdir()] == ['instances.json']


def test_an_existing_folder_is_left_alone(run, source, tmp_path):
    (tmp_path / 'out').mkdir()
    with pytest.raises(SystemExit, match='exists already'):
        run(source, tmp_path / 'out', '--workers', 1)
    assert list((tmp_path / 'out').iterdir()) == []
