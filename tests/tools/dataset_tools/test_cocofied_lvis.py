"""AP* on a small file in LVIS's layout."""

import json

import pytest
from mmdet.datasets import CocoDataset

COW, ALMOND, HOT_DOG = 80, 7, 500


def image(image_id, split='val2017', absent=(), partial=()):
    return {
        'id': image_id,
        'width': 40,
        'height': 30,
        'coco_url': f'http://images.cocodataset.org/{split}/{image_id:012d}.jpg',
        'neg_category_ids': list(absent),
        'not_exhaustive_category_ids': list(partial),
    }


def annotation(ann_id, image_id, category_id):
    box = [1.0, 2.0, 8.0, 4.0]
    polygon = [1.0, 2.0, 9.0, 2.0, 9.0, 6.0, 1.0, 6.0]
    return {
        'id': ann_id,
        'image_id': image_id,
        'category_id': category_id,
        'bbox': box,
        'area': 32.0,
        'segmentation': [polygon],
    }


@pytest.fixture
def lvis():
    return {
        'images': [
            image(139, absent=[ALMOND, HOT_DOG], partial=[COW, ALMOND]),
            image(285),
            image(391895, 'train2017', absent=[COW]),
        ],
        'annotations': [
            annotation(1, 139, COW),
            annotation(2, 139, ALMOND),
            annotation(3, 391895, COW),
            annotation(4, 139, HOT_DOG),
        ],
        'categories': [
            {'id': HOT_DOG, 'name': 'sausage', 'synset': 'frank.n.02', 'frequency': 'c'},
            {'id': COW, 'name': 'cow', 'synset': 'beef.n.01', 'frequency': 'f'},
            {'id': ALMOND, 'name': 'almond', 'synset': 'almond.n.02', 'frequency': 'r'},
        ],
    }


@pytest.fixture
def convert(run, tmp_path):
    def convert(content):
        (tmp_path / 'lvis.json').write_text(json.dumps(content))
        run(tmp_path / 'lvis.json', tmp_path / 'out.json')
        return json.loads((tmp_path / 'out.json').read_text())

    return convert


def test_categories_are_cocos(convert, lvis):
    categories = convert(lvis)['categories']
    names = tuple(category['name'] for category in categories)
    assert names == CocoDataset.METAINFO['classes']
    ids = [category['id'] for category in categories]
    assert ids == sorted(ids)
    assert (len(set(ids)), ids[-1]) == (80, 90)
    assert len({category['synset'] for category in categories}) == 80


def test_objects_of_other_categories_and_images_are_left_out(convert, lvis):
    out = convert(lvis)
    assert [(ann['id'], ann['category_id']) for ann in out['annotations']] == [(1, 21), (4, 58)]
    assert out['annotations'][0] == annotation(1, 139, 21)


def test_images_are_those_of_the_validation_split(convert, lvis):
    names = [image['file_name'] for image in convert(lvis)['images']]
    assert names == ['val2017/000000000139.jpg', 'val2017/000000000285.jpg']


def test_what_was_looked_for_is_kept_with_cocos_ids(convert, lvis):
    first, second = convert(lvis)['images']
    assert (first['neg_category_ids'], first['not_exhaustive_category_ids']) == ([58], [21])
    assert (second['neg_category_ids'], second['not_exhaustive_category_ids']) == ([], [])


def test_frequencies_are_kept(convert, lvis):
    frequencies = {item['name']: item['frequency'] for item in convert(lvis)['categories']}
    assert (frequencies['hot dog'], frequencies['cow'], frequencies['person']) == ('c', 'f', 'f')


def test_categories_that_lvis_lacks_are_named(convert, lvis, capsys):
    convert(lvis)
    shown = capsys.readouterr().out
    assert 'No category of the file is: person, bicycle' in shown
    assert 'cow' not in shown
    assert '2 images, 2 objects' in shown


def no_synsets(content):
    for category in content['categories']:
        del category['synset']


def no_lists(content):
    del content['images'][1]['neg_category_ids']


def no_validation(content):
    del content['images'][:2]
    content['annotations'] = []


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (no_synsets, r"lvis\.json: found no 'synset'"),
        (no_lists, r"lvis\.json: found image 285 without 'neg_category_ids'"),
        (no_validation, r'lvis\.json: found no image of val2017'),
    ],
)
def test_other_files_are_errors(convert, lvis, tmp_path, change, message):
    change(lvis)
    with pytest.raises(SystemExit, match=message):
        convert(lvis)
    assert not (tmp_path / 'out.json').exists()


def test_an_existing_file_is_kept(convert, lvis, capsys):
    convert(lvis)
    with pytest.raises(SystemExit):
        convert(lvis)
    assert 'out.json: exists already; --force replaces it' in capsys.readouterr().err
