import json

import pytest

from mmpointrend.annotation import PointAnnotationError
from mmpointrend.datasets import PointCityscapesDataset, PointLVISV1Dataset

POINTS = {'point_coords': [[2, 3], [4, 5]], 'point_labels': [1, 0]}


def annotation(ann_id, image_id, category_id, **other):
    ann = {'id': ann_id, 'image_id': image_id, 'category_id': category_id}
    return ann | {'bbox': [1, 1, 8, 8], 'area': 64} | other


def write(path, content):
    path.write_text(json.dumps(content))
    return str(path)


def instances(dataset):
    return {
        dataset.get_data_info(index)['img_path']: [
            (item['bbox_label'], item['ignore_flag'], item.get('point_labels'))
            for item in dataset.get_data_info(index)['instances']
        ]
        for index in range(len(dataset))
    }


def test_cityscapes_has_its_classes_and_no_images_of_crowds_only(tmp_path):
    content = {
        'images': [
            {'id': index, 'file_name': f'{index}.png', 'width': 40, 'height': 40}
            for index in range(3)
        ],
        'categories': [{'id': 24, 'name': 'person'}, {'id': 33, 'name': 'bicycle'}],
        'annotations': [
            annotation(1, 0, 33, iscrowd=0, **POINTS),
            annotation(2, 0, 24, iscrowd=1),
            annotation(3, 1, 24, iscrowd=1),
        ],
    }
    dataset = PointCityscapesDataset(
        ann_file=write(tmp_path / 'points.json', content),
        filter_cfg={'filter_empty_gt': True},
        data_prefix={'img': ''},
        pipeline=[],
    )
    assert len(dataset.metainfo['classes']) == 8
    # The file has two of the eight classes.
    assert instances(dataset) == {'0.png': [(1, 0, [1, 0]), (0, 1, None)]}


@pytest.fixture
def lvis():
    """LVIS v1: no file names; the names of its classes here are not those of mmdet."""
    address = 'http://images.cocodataset.org/train2017/000000391895.jpg'
    return {
        'images': [{'id': 391895, 'coco_url': address, 'width': 40, 'height': 40}],
        'categories': [{'id': index, 'name': str(index)} for index in range(1, 1204)],
        'annotations': [annotation(1, 391895, 12, **POINTS)],
    }


def load_lvis(path):
    return PointLVISV1Dataset(ann_file=path, data_prefix={'img': ''}, pipeline=[])


def test_lvis_finds_images_by_their_address_and_classes_by_their_order(tmp_path, lvis):
    dataset = load_lvis(write(tmp_path / 'points.json', lvis))
    assert len(dataset.metainfo['classes']) == 1203
    assert instances(dataset) == {'train2017/000000391895.jpg': [(11, 0, [1, 0])]}


@pytest.mark.parametrize('key', ['image_id', 'category_id'])
def test_lvis_with_an_unknown_id_names_the_file_and_the_annotation(tmp_path, lvis, key):
    lvis['annotations'].append({**annotation(2, 391895, 12, **POINTS), key: 7000})
    path = write(tmp_path / 'points.json', lvis)
    with pytest.raises(PointAnnotationError, match=f'{path}: found annotation 2 with {key} 7000'):
        load_lvis(path)


@pytest.mark.parametrize('key', ['area', 'bbox', 'category_id', 'image_id', 'point_labels'])
def test_lvis_with_a_missing_key_names_the_file_and_the_annotation(tmp_path, lvis, key):
    del lvis['annotations'][0][key]
    path = write(tmp_path / 'points.json', lvis)
    with pytest.raises(PointAnnotationError, match=f"{path}: annotation 1: found no '{key}'"):
        load_lvis(path)
