"""The VOC converter, on a small tree in the official layout."""

import json

import numpy as np
import pycocotools.mask as mask_api
import pytest
from PIL import Image

HEIGHT, WIDTH = 20, 30
SPLITS = {'train': ['2007_000032', '2011_003271'], 'val': ['2007_000033']}
VOID = 255


def save_indices(path, indices):
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(indices.astype(np.uint8), mode='P')
    image.putpalette(np.random.default_rng(0).integers(0, 256, 768, dtype=np.uint8).tobytes())
    image.save(path)


def pictures():
    """Numbers of objects and of classes: a person (15) before a train (19), in void outlines."""
    objects, classes = np.zeros((2, HEIGHT, WIDTH), int)
    objects[2:18, 2:20], classes[2:18, 2:20] = VOID, VOID
    objects[3:17, 3:19], classes[3:17, 3:19] = 2, 19
    objects[5:15, 8:14], classes[5:15, 8:14] = VOID, VOID
    objects[6:14, 9:13], classes[6:14, 9:13] = 1, 15
    return objects, classes


@pytest.fixture
def voc(tmp_path):
    root = tmp_path / 'VOCdevkit' / 'VOC2012'
    (root / 'ImageSets' / 'Segmentation').mkdir(parents=True)
    (root / 'JPEGImages').mkdir()
    objects, classes = pictures()
    for split, names in SPLITS.items():
        text = ''.join(f'{name}\n' for name in names)
        (root / 'ImageSets' / 'Segmentation' / f'{split}.txt').write_text(text)
        for name in names:
            save_indices(root / 'SegmentationObject' / f'{name}.png', objects)
            save_indices(root / 'SegmentationClass' / f'{name}.png', classes)
            Image.new('RGB', (WIDTH, HEIGHT)).save(root / 'JPEGImages' / f'{name}.jpg')
    return root


def read(out, split):
    return json.loads((out / f'instances_{split}.json').read_text())


def test_splits_have_their_images(run, voc, tmp_path):
    run(voc, tmp_path / 'out')
    for split, names in SPLITS.items():
        assert read(tmp_path / 'out', split)['images'] == [
            {'id': index, 'file_name': f'{name}.jpg', 'width': WIDTH, 'height': HEIGHT}
            for index, name in enumerate(names, start=1)
        ]


def test_objects_are_masks_without_void(run, voc, tmp_path):
    run(voc, tmp_path / 'out')
    annotations = read(tmp_path / 'out', 'train')['annotations']
    assert [(ann['id'], ann['image_id'], ann['category_id']) for ann in annotations] == [
        (1, 1, 15),
        (2, 1, 19),
        (3, 2, 15),
        (4, 2, 19),
    ]
    objects, _ = pictures()
    for ann, number in zip(annotations, (1, 2, 1, 2), strict=True):
        mask = objects == number
        np.testing.assert_array_equal(mask_api.decode(ann['segmentation']), mask)
        assert (ann['area'], ann['iscrowd']) == (mask.sum(), 0)
    assert annotations[0]['bbox'] == [9, 6, 4, 8]


def test_classes_are_in_the_order_of_voc(run, voc, tmp_path):
    run(voc, tmp_path / 'out')
    names = {item['id']: item['name'] for item in read(tmp_path / 'out', 'val')['categories']}
    assert list(names) == list(range(1, 21))
    assert [names[index] for index in (1, 15, 20)] == ['aeroplane', 'person', 'tvmonitor']


def test_class_is_that_of_most_pixels(run, voc, tmp_path):
    _, classes = pictures()
    classes[6:10, 9:13] = 7
    classes[10, 9] = 7
    save_indices(voc / 'SegmentationClass' / '2007_000033.png', classes)
    run(voc, tmp_path / 'out')
    assert read(tmp_path / 'out', 'val')['annotations'][0]['category_id'] == 7


def test_void_in_the_classes_does_not_count(run, voc, tmp_path):
    _, classes = pictures()
    classes[6:13, 9:13] = VOID
    save_indices(voc / 'SegmentationClass' / '2007_000033.png', classes)
    run(voc, tmp_path / 'out')
    assert read(tmp_path / 'out', 'val')['annotations'][0]['category_id'] == 15


def no_class(voc):
    save_indices(voc / 'SegmentationClass' / '2007_000033.png', np.zeros((HEIGHT, WIDTH)))


def other_size(voc):
    save_indices(voc / 'SegmentationObject' / '2007_000033.png', np.zeros((WIDTH, HEIGHT)))


def colours(voc):
    Image.new('RGB', (WIDTH, HEIGHT)).save(voc / 'SegmentationClass' / '2007_000033.png')


def no_mask(voc):
    (voc / 'SegmentationObject' / '2007_000033.png').unlink()


def cut_off(voc):
    path = voc / 'SegmentationClass' / '2007_000033.png'
    path.write_bytes(path.read_bytes()[:-40])


def cut_off_palette(voc):
    path = voc / 'SegmentationObject' / '2007_000033.png'
    path.write_bytes(path.read_bytes()[:100])


def no_photo(voc):
    (voc / 'JPEGImages' / '2007_000033.jpg').write_bytes(b'no')


def no_names(voc):
    (voc / 'ImageSets' / 'Segmentation' / 'val.txt').write_bytes(b'2007\xff')


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (no_class, r'SegmentationObject/2007_000033\.png: found object 1 of class 0'),
        (other_size, r"2007_000033\.png: found 20 x 30 pixels, expected the image's 30 x 20"),
        (colours, r'2007_000033\.png: found an image of mode RGB, expected a palette'),
        (no_mask, r'SegmentationObject/2007_000033\.png: cannot be read'),
        (cut_off, r'SegmentationClass/2007_000033\.png: cannot be read'),
        (cut_off_palette, r'SegmentationObject/2007_000033\.png: cannot be read'),
        (no_photo, r'JPEGImages/2007_000033\.jpg: cannot be read'),
        (no_names, r'val\.txt: cannot be read'),
    ],
)
def test_what_does_not_fit_is_named(run, voc, tmp_path, change, message):
    change(voc)
    with pytest.raises(SystemExit, match=message):
        run(voc, tmp_path / 'out')
    assert not (tmp_path / 'out').exists()


def test_other_folders_are_refused(run, tmp_path, capsys):
    with pytest.raises(SystemExit):
        run(tmp_path, tmp_path / 'out')
    assert 'Segmentation/train.txt: no such file' in capsys.readouterr().err


def test_files_are_replaced_only_by_force(run, voc, tmp_path, capsys):
    run(voc, tmp_path / 'out')
    with pytest.raises(SystemExit):
        run(voc, tmp_path / 'out')
    assert 'instances_train.json: exists already; --force' in capsys.readouterr().err
    run(voc, tmp_path / 'out', '--force')
