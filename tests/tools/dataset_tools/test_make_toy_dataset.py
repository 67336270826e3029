"""The toy dataset: shapes, occlusion, and the files."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pycocotools.mask as mask_api
import pytest


def crescent_area() -> float:
    """Count the cells of a fine grid that lie in one disk and not in the other."""
    x, y = np.meshgrid(*[np.linspace(-1, 1, 2001)] * 2)
    return 4 * np.mean((x**2 + y**2 <= 1) & ((x - 0.48) ** 2 + y**2 > 0.8**2))


# In a circle of radius 1: ten triangles, two disks, two disks, two bars, a bar and a triangle.
AREAS = {
    'star': 10 * 0.5 * 1.0 * 0.42 * np.sin(np.pi / 5),
    'ring': np.pi * (0.9**2 - 0.5**2),
    'crescent': crescent_area(),
    'cross': 2 * 1.9 * 0.6 - 0.6**2,
    'arrow': 1.05 * 0.44 + 0.5 * 0.9 * 1.44,
}


@pytest.mark.parametrize('name', sorted(AREAS))
def test_masks_have_the_area_of_their_shape(script: Any, name: str) -> None:
    alpha = script.coverage(script.SHAPES[name](), np.array([63.3, 66.1]), 50.0, 0.7, 128)
    expected = AREAS[name] * 50**2
    assert alpha.sum() == pytest.approx(expected, rel=0.015)
    assert (alpha >= 0.5).sum() == pytest.approx(expected, rel=0.015)


def test_shapes_lie_where_they_are_put(script: Any) -> None:
    alpha = script.coverage(script.SHAPES['ring'](), np.array([40.0, 70.0]), 20.0, 0.0, 128)
    y, x = np.mgrid[:128, :128] + 0.5
    centroid = (alpha * x).sum() / alpha.sum(), (alpha * y).sum() / alpha.sum()
    assert centroid == pytest.approx((40.0, 70.0), abs=0.1)


def test_rotation_turns_from_x_to_y(script: Any) -> None:
    # The arrow points along +x, its tip is one radius from the centre.
    alpha = script.coverage(script.SHAPES['arrow'](), np.array([64.0, 64.0]), 40.0, np.pi / 2, 128)
    rows, columns = np.nonzero(alpha >= 0.5)
    assert rows.max() + 1 == pytest.approx(104, abs=2)
    assert np.ptp(columns[rows == rows.max()]) < 4  # the other end is 18 pixels wide


@pytest.mark.parametrize('name', sorted(AREAS))
def test_no_shape_is_convex(script: Any, name: str) -> None:
    alpha = script.coverage(script.SHAPES[name](), np.array([64.0, 64.0]), 50.0, 0.0, 128)
    mask = (alpha >= 0.5).astype(np.uint8)
    (outline, *_), _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    assert mask.sum() < 0.85 * cv2.contourArea(cv2.convexHull(outline))


def test_later_objects_cover_earlier_ones(script: Any) -> None:
    below, above = np.zeros((2, 6, 6), np.float32)
    below[1:5, 1:5] = 1
    above[3:6, 3:6] = 0.5
    first, second = script.visible([(0, below), (1, above)])
    np.testing.assert_array_equal(second, above > 0)
    np.testing.assert_array_equal(first, (below > 0) & (above == 0))


@pytest.fixture(scope='module')
def scenes() -> Callable[[Any], list]:
    """Thirty scenes of 96 pixels, drawn once."""
    drawn: list = []

    def draw(script: Any) -> list:
        if not drawn:
            drawn.extend(script.draw_scene(np.random.default_rng(index), 96) for index in range(30))
        return drawn

    return draw


def test_scenes_have_two_to_six_objects_of_all_classes(script: Any, scenes: Callable) -> None:
    counts = [len(objects) for _, objects in scenes(script)]
    assert set(counts) == {2, 3, 4, 5, 6}
    assert {category for _, objects in scenes(script) for category, _ in objects} == set(range(5))


def test_every_object_can_be_seen_and_masks_are_disjoint(script: Any, scenes: Callable) -> None:
    for _, objects in scenes(script):
        masks = np.stack([mask for _, mask in objects])
        assert masks.sum(axis=(1, 2)).min() >= 64
        assert masks.sum(axis=0).max() == 1


def test_some_objects_overlap(script: Any) -> None:
    placed = [script.place_objects(np.random.default_rng(index), 96) for index in range(10)]
    depth = [sum(alpha >= 0.5 for _, alpha in objects).max() for objects in placed]
    assert sum(value > 1 for value in depth) >= 5


def test_objects_stand_out_from_what_is_around_them(script: Any, scenes: Callable) -> None:
    for image, objects in scenes(script):
        for _, mask in objects:
            ring = cv2.dilate(mask.astype(np.uint8), np.ones((5, 5))).astype(bool) & ~mask
            inside, outside = image[mask].mean(axis=0), image[ring].mean(axis=0)
            assert np.linalg.norm(inside - outside) > 25


def make(run: Callable, out: Path, *more: object) -> None:
    run(out, '--num-train', 3, '--num-val', 2, '--size', 64, *more)


def content(out: Path) -> dict[str, bytes]:
    return {str(p.relative_to(out)): p.read_bytes() for p in out.rglob('*') if p.is_file()}


def test_files_agree_with_each_other(run: Callable, tmp_path: Path) -> None:
    make(run, tmp_path / 'toy')
    for split, num_images in (('train', 3), ('val', 2)):
        data = json.loads((tmp_path / 'toy/annotations' / f'instances_{split}.json').read_text())
        assert [category['name'] for category in data['categories']] == list(AREAS)
        assert len(data['images']) == num_images
        for image in data['images']:
            pixels = cv2.imread(str(tmp_path / 'toy' / split / image['file_name']))
            assert pixels.shape == (image['height'], image['width'], 3) == (64, 64, 3)
        image_ids = {image['id'] for image in data['images']}
        assert {ann['image_id'] for ann in data['annotations']} == image_ids
        for ann in data['annotations']:
            rows, columns = np.nonzero(mask_api.decode(ann['segmentation']))
            assert ann['area'] == len(rows)
            x, y, w, h = ann['bbox']
            assert (x, y) == (columns.min(), rows.min())
            assert (x + w, y + h) == (columns.max() + 1, rows.max() + 1)


def test_same_seed_same_files_other_seed_others(run: Callable, tmp_path: Path) -> None:
    for name, seed in (('a', 1), ('b', 1), ('c', 2)):
        make(run, tmp_path / name, '--seed', seed)
    first, again, other = (content(tmp_path / name) for name in 'abc')
    assert first == again
    assert first['train/000001.png'] != other['train/000001.png']
    assert first['train/000001.png'] != first['val/000001.png']


def test_a_larger_dataset_begins_with_the_smaller_one(run: Callable, tmp_path: Path) -> None:
    make(run, tmp_path / 'small')
    run(tmp_path / 'large', '--num-train', 4, '--num-val', 2, '--size', 64)
    small, large = content(tmp_path / 'small'), content(tmp_path / 'large')
    pictures = {name for name in small if name.endswith('.png')}
    assert {name: large[name] for name in pictures} == {name: small[name] for name in pictures}


def test_the_same_dataset_is_not_made_again(
    run: Callable, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    make(run, tmp_path / 'toy')
    marker = tmp_path / 'toy' / 'marker'
    marker.touch()
    make(run, tmp_path / 'toy')
    assert 'toy: is this dataset already' in capsys.readouterr().out
    assert marker.exists()


def test_another_folder_is_left_alone(run: Callable, tmp_path: Path) -> None:
    make(run, tmp_path / 'toy')
    before = content(tmp_path / 'toy')
    with pytest.raises(SystemExit, match='toy: exists already'):
        make(run, tmp_path / 'toy', '--seed', 5)
    assert content(tmp_path / 'toy') == before


def test_a_bad_option_is_named_with_its_value(
    run: Callable, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    with pytest.raises(SystemExit):
        run(tmp_path / 'toy', '--size', 32)
    assert '--size: found 32, expected 64 or more' in capsys.readouterr().err
