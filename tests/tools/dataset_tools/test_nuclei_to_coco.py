"""The nuclei converter, on a small tree in the official layout."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pycocotools.mask as mask_api
import pytest

SIZES = {'aa': (20, 30), 'bb': (16, 16), 'cc': (24, 18), 'dd': (20, 30)}  # height, width
BOXES = ((2, 3, 5, 4), (9, 8, 6, 7))  # x, y, w, h of the nuclei in every image


def make_source(root: Path) -> Path:
    rng = np.random.default_rng(0)
    for name, (height, width) in SIZES.items():
        for kind in ('images', 'masks'):
            (root / name / kind).mkdir(parents=True)
        rgba = rng.integers(0, 256, (height, width, 4), dtype=np.uint8)
        rgba[..., 3] = 255
        cv2.imwrite(str(root / name / 'images' / f'{name}.png'), rgba)
        for index, (x, y, w, h) in enumerate(BOXES):
            mask = np.zeros((height, width), np.uint8)
            mask[y : y + h, x : x + w] = (1, 255)[index]
            cv2.imwrite(str(root / name / 'masks' / f'{index}.png'), mask)
    (root / '.DS_Store').write_text('no image')
    (root / 'classes.csv').write_text('no image')
    return root


def read(out: Path, split: str) -> dict[str, Any]:
    return json.loads((out / 'annotations' / f'instances_{split}.json').read_text())


def names(out: Path, split: str) -> list[str]:
    return [image['file_name'][:-4] for image in read(out, split)['images']]


def test_images_lose_alpha_and_keep_their_pixels(run: Callable, tmp_path: Path) -> None:
    src = make_source(tmp_path / 'src')
    run(src, tmp_path / 'out', '--val-share', 0.25)
    assert len(names(tmp_path / 'out', 'train')) == 3
    assert len(names(tmp_path / 'out', 'val')) == 1
    for split in ('train', 'val'):
        for image in read(tmp_path / 'out', split)['images']:
            path = tmp_path / 'out' / split / image['file_name']
            pixels = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
            name = path.stem
            rgba = cv2.imread(str(src / name / 'images' / path.name), cv2.IMREAD_UNCHANGED)
            np.testing.assert_array_equal(pixels, rgba[..., :3])
            assert (image['height'], image['width']) == SIZES[name]


def test_every_mask_is_an_annotation_with_its_box(run: Callable, tmp_path: Path) -> None:
    run(make_source(tmp_path / 'src'), tmp_path / 'out')
    for split in ('train', 'val'):
        data = read(tmp_path / 'out', split)
        assert data['categories'] == [{'id': 1, 'name': 'nucleus'}]
        assert [ann['id'] for ann in data['annotations']] == list(
            range(1, 2 * len(data['images']) + 1)
        )
        for image in data['images']:
            own = [ann for ann in data['annotations'] if ann['image_id'] == image['id']]
            assert [tuple(ann['bbox']) for ann in own] == list(BOXES)
            assert [ann['area'] for ann in own] == [w * h for _, _, w, h in BOXES]
            for ann, (x, y, w, h) in zip(own, BOXES, strict=True):
                mask = mask_api.decode(ann['segmentation'])
                assert mask.shape == (image['height'], image['width'])
                assert mask[y : y + h, x : x + w].all()
                assert mask.sum() == w * h


def test_the_split_depends_on_the_seed_alone(script: Any) -> None:
    ids = [f'{index:03d}' for index in range(100)]
    train, val = script.split_ids(ids, 0.3, 0)
    assert sorted(train + val) == ids
    assert len(val) == 30
    assert script.split_ids(ids[::-1], 0.3, 0) == (train, val)
    assert script.split_ids(ids, 0.3, 1) != (train, val)


def test_both_splits_have_an_image(script: Any) -> None:
    assert [len(part) for part in script.split_ids(['a', 'b', 'c'], 0.01, 0)] == [2, 1]
    assert [len(part) for part in script.split_ids(['a', 'b', 'c'], 0.99, 0)] == [1, 2]


def test_empty_masks_are_left_out_and_counted(
    run: Callable, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    src = make_source(tmp_path / 'src')
    for name in SIZES:
        cv2.imwrite(str(src / name / 'masks' / 'empty.png'), np.zeros(SIZES[name], np.uint8))
    run(src, tmp_path / 'out', '--val-share', 0.5)
    shown = capsys.readouterr().out
    assert 'train: 2 images, 4 nuclei (2 empty masks left out)' in shown
    assert len(read(tmp_path / 'out', 'val')['annotations']) == 4


def remove_masks(src: Path) -> None:
    (src / 'bb' / 'masks').rename(src / 'bb' / 'other')


def remove_image(src: Path) -> None:
    (src / 'bb' / 'images' / 'bb.png').unlink()


def break_image(src: Path) -> None:
    (src / 'bb' / 'images' / 'bb.png').write_text('no image')


def resize_mask(src: Path) -> None:
    cv2.imwrite(str(src / 'bb' / 'masks' / '0.png'), np.ones((16, 17), np.uint8))


@pytest.mark.parametrize(
    ('damage', 'message'),
    [
        (remove_masks, r"bb: found no folder 'masks'"),
        (remove_image, r'bb\.png: no such file'),
        (break_image, r'bb\.png: found a file that is no image'),
        (resize_mask, r"0\.png: found a mask of 17 x 16, expected the image's 16 x 16"),
    ],
)
def test_a_damaged_source_is_one_error_and_no_output(
    run: Callable, tmp_path: Path, damage: Callable[[Path], None], message: str
) -> None:
    src = make_source(tmp_path / 'src')
    damage(src)
    with pytest.raises(SystemExit, match=message):
        run(src, tmp_path / 'out')
    assert [path.name for path in tmp_path.iterdir()] == ['src']


def test_a_source_without_images_is_an_error(run: Callable, tmp_path: Path) -> None:
    (tmp_path / 'src').mkdir()
    with pytest.raises(SystemExit, match='found 0 images, expected at least 2'):
        run(tmp_path / 'src', tmp_path / 'out')


def test_an_existing_output_is_left_alone(run: Callable, tmp_path: Path) -> None:
    (tmp_path / 'out').mkdir()
    with pytest.raises(SystemExit, match='out: exists already'):
        run(make_source(tmp_path / 'src'), tmp_path / 'out')
    assert list((tmp_path / 'out').iterdir()) == []
