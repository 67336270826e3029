from itertools import product

import numpy as np
import pytest
from mmdet.datasets import CocoDataset
from mmdet.models.data_preprocessors import DetDataPreprocessor
from mmdet.registry import DATASETS
from mmdet.structures.mask import BitmapMasks
from mmengine.dataset import pseudo_collate
from mmengine.registry import DefaultScope

from mmpointrend.annotation import PointAnnotationError, read_coco, validate_points
from mmpointrend.datasets import PointCocoDataset
from mmpointrend.structures import PointMasks

METAINFO = {'classes': ('disc', 'ring')}


def load(path: str, dataset: type[CocoDataset] = PointCocoDataset) -> list[list[dict]]:
    """The instances of each image."""
    loaded = dataset(ann_file=path, data_prefix={'img': ''}, metainfo=METAINFO, pipeline=[])
    return [loaded.get_data_info(i)['instances'] for i in range(len(loaded))]


def test_points_come_with_the_instances_that_mmdet_keeps(point_file):
    first, second = load(point_file.write())
    points = [(item.get('point_coords'), item.get('point_labels')) for item in first + second]
    assert points == [
        ([[2, 3], [0, 0], [59, 39]], [1, 0, 1]),
        (None, None),
        ([[21, 12], [25, 13]], [0, 1]),
        ([], []),
    ]


def test_everything_but_points_and_masks_is_as_in_mmdet(point_file):
    path = point_file.write()
    keys = ('bbox', 'bbox_label', 'ignore_flag')
    found, expected = (
        [[{key: item[key] for key in keys} for item in instances] for instances in load(path, kind)]
        for kind in (PointCocoDataset, CocoDataset)
    )
    assert found == expected
    assert [len(instances) for instances in found] == [3, 1]


def test_a_segmentation_left_in_the_file_does_not_reach_the_pipeline(point_file):
    assert point_file[17]['segmentation']
    assert all('mask' not in item for instances in load(point_file.write()) for item in instances)


def test_a_crowd_is_ignored_and_has_no_points_even_if_the_file_has_some(point_file):
    point_file[14].update(point_coords=[[11, 11]], point_labels=[1])
    crowd = load(point_file.write())[0][1]
    assert crowd['ignore_flag'] == 1
    assert 'point_coords' not in crowd


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        ({'point_coords': None}, 'found point_coords None'),
        ({'point_labels': [0]}, '2 point_coords and 1 point_labels'),
        ({'point_labels': [0, 2]}, 'found label 2'),
        ({'point_coords': [[21, 12], [float('nan'), 13]]}, 'nan'),
        (
            {'point_coords': [[21, 12], [60, 13]]},
            r'point 1 at \[60.*\], expected .*\[0, 59\]',
        ),
        ({'point_coords': [[21, 12], [5, -1]]}, 'found point 1 at'),
        ({'point_coords': [[21, 12, 1], [5, 5, 1]]}, r'shape \(2, 3\)'),
    ],
)
def test_bad_points_name_the_file_and_the_annotation(point_file, change, message):
    point_file[15].update(change)
    path = point_file.write()
    with pytest.raises(PointAnnotationError, match=f'{path}: annotation 15: .*{message}'):
        load(path)


@pytest.mark.parametrize('key', ['image_id', 'category_id'])
def test_an_unknown_id_names_the_file_and_the_annotation(point_file, key):
    point_file[15][key] = 70
    path = point_file.write()
    with pytest.raises(PointAnnotationError, match=f'{path}: found annotation 15 with {key} 70'):
        load(path)


@pytest.mark.parametrize(
    'key', ['point_coords', 'point_labels', 'image_id', 'category_id', 'bbox', 'area']
)
def test_a_missing_key_names_the_file_and_the_annotation(point_file, key):
    del point_file[15][key]
    path = point_file.write()
    with pytest.raises(PointAnnotationError, match=f"{path}: annotation 15: found no '{key}'"):
        load(path)


@pytest.mark.parametrize('ann_id', [14, 15], ids=['crowd', 'object'])
@pytest.mark.parametrize('change', [{'area': '5'}, {'area': None}, {'bbox': None}, {'bbox': 'x'}])
def test_what_is_no_number_names_the_file_and_the_annotation(point_file, ann_id, change):
    point_file[ann_id].update(change)
    path = point_file.write()
    with pytest.raises(PointAnnotationError, match=f'{path}: annotation {ann_id}: found'):
        load(path)


def test_an_image_without_a_file_name_has_the_end_of_its_address(point_file):
    del point_file.content['images'][1]['file_name']
    point_file.content['images'][1]['coco_url'] = 'http://x.org/train2017/b.png'
    dataset = PointCocoDataset(
        ann_file=point_file.write(), data_prefix={'img': ''}, metainfo=METAINFO, pipeline=[]
    )
    paths = [dataset.get_data_info(index)['img_path'] for index in range(2)]
    assert paths == ['a.png', 'train2017/b.png']


def test_an_image_without_a_name_is_named(point_file):
    del point_file.content['images'][1]['file_name']
    path = point_file.write()
    with pytest.raises(PointAnnotationError, match=f'{path}: found image 8 with file_name None'):
        load(path)


def test_the_report_counts_the_objects_that_mmdet_drops(point_file):
    point_file.content['annotations'] = [
        {**point_file[15], 'id': index, 'bbox': [20, 10, width, 5.0], 'area': area}
        for index, (width, area) in enumerate(product((0, 0.99, 1, 1.01), (-1, 0, 0.01, 1)))
    ]
    path = point_file.write()
    report = validate_points(*read_coco(path), path)
    assert report.num_dropped == 16 - len(load(path, CocoDataset)[0]) == 12


def test_annotations_that_mmdet_drops_are_not_checked(point_file):
    for ann_id in (12, 13, 16):
        point_file[ann_id]['point_labels'] = [2]
    assert [len(instances) for instances in load(point_file.write())] == [3, 1]


def test_images_with_masks_and_images_with_points_train_in_one_batch(point_file):
    """A ConcatDataset of both kinds, each with its loading transform, otherwise one pipeline."""
    for image_id in (11, 15, 14):
        point_file[image_id]['segmentation'] = [[1, 1, 9, 1, 9, 9, 1, 9]]
    common = [
        {'type': 'Resize', 'scale': (90, 90), 'keep_ratio': True},
        {'type': 'RandomFlip', 'prob': 1.0},
        {'type': 'PackDetInputs'},
    ]
    image = {'type': 'LoadImageFromFile'}
    dataset = {'ann_file': point_file.write(), 'data_prefix': {'img': str(point_file.folder)}}
    dataset |= {'metainfo': METAINFO}
    masks = [image, {'type': 'LoadAnnotations', 'with_bbox': True, 'with_mask': True}, *common]
    points = [image, {'type': 'mmpointrend.LoadPointAnnotations'}, *common]
    with DefaultScope.overwrite_default_scope('mmdet'):
        both = DATASETS.build(
            {
                'type': 'ConcatDataset',
                'datasets': [
                    {'type': 'CocoDataset', **dataset, 'pipeline': masks},
                    {'type': 'mmpointrend.PointCocoDataset', **dataset, 'pipeline': points},
                ],
            }
        )
        batch = pseudo_collate([both[0], both[2]])
    preprocessor = DetDataPreprocessor(pad_mask=True, pad_size_divisor=64)
    samples = preprocessor(batch, training=True)['data_samples']
    dense, sparse = (sample.gt_instances.masks for sample in samples)
    assert isinstance(dense, BitmapMasks) and isinstance(sparse, PointMasks)
    assert (sparse.height, sparse.width) == (dense.height, dense.width) == (64, 128)
    assert sparse.labels.tolist() == [[1, 0, 1], [0, 1, -1]]
    expected = (60 - 2.5) * 1.5, 3.5 * 1.5
    np.testing.assert_allclose(sparse.coords[0, 0], expected)
