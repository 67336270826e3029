import numpy as np
import pytest
from mmdet.registry import TRANSFORMS
from mmdet.structures.bbox import HorizontalBoxes

from mmpointrend.annotation import PointAnnotationError
from mmpointrend.datasets import LoadPointAnnotations
from mmpointrend.structures import PointMasks


@pytest.fixture
def results() -> dict:
    return {
        'img_path': 'a.png',
        'ori_shape': (40, 60),
        'height': 40,
        'width': 60,
        'instances': [
            {
                'bbox': [1, 1, 9, 9],
                'bbox_label': 4,
                'ignore_flag': 0,
                'point_coords': [[2, 3], [0, 0], [59, 39]],
                'point_labels': [1, 0, 1],
                'mask': 'never read',
            },
            {'bbox': [10, 10, 30, 30], 'bbox_label': 2, 'ignore_flag': 1},
            {
                'bbox': [20, 10, 30, 30],
                'bbox_label': 0,
                'ignore_flag': 0,
                'point_coords': [[21, 12]],
                'point_labels': [0],
            },
        ],
    }


def test_points_are_the_centres_of_the_annotated_pixels(results):
    masks = LoadPointAnnotations().transform(results)['gt_masks']
    assert isinstance(masks, PointMasks)
    assert masks.coords[0].tolist() == [[2.5, 3.5], [0.5, 0.5], [59.5, 39.5]]
    assert masks.coords[2, 0].tolist() == [21.5, 12.5]
    assert (masks.height, masks.width) == (40, 60)


def test_an_ignored_instance_has_ignored_points_only(results):
    masks = LoadPointAnnotations().transform(results)['gt_masks']
    assert masks.labels.tolist() == [[1, 0, 1], [-1, -1, -1], [0, -1, -1]]


def test_points_of_an_ignored_instance_are_not_used(results):
    results['instances'][1] |= {'point_coords': [[11, 11]], 'point_labels': [1]}
    masks = LoadPointAnnotations().transform(results)['gt_masks']
    assert (masks.labels[1] == -1).all()


def test_boxes_labels_and_flags_are_those_of_mmdet(results):
    loaded = LoadPointAnnotations().transform(results)
    assert isinstance(loaded['gt_bboxes'], HorizontalBoxes)
    assert loaded['gt_bboxes'].tensor.tolist() == [[1, 1, 9, 9], [10, 10, 30, 30], [20, 10, 30, 30]]
    assert loaded['gt_bboxes_labels'].tolist() == [4, 2, 0]
    assert loaded['gt_ignore_flags'].tolist() == [False, True, False]


def test_box_type_reaches_mmdet(results):
    loaded = LoadPointAnnotations(box_type=None).transform(results)
    assert isinstance(loaded['gt_bboxes'], np.ndarray)


@pytest.mark.parametrize('instances', [[], [{'bbox': [0, 0, 5, 5], 'bbox_label': 0}]])
def test_an_image_without_points_loads(results, instances):
    results['instances'] = [{**item, 'ignore_flag': 1} for item in instances]
    masks = LoadPointAnnotations().transform(results)['gt_masks']
    assert masks.labels.shape == (len(instances), 0)


def test_an_instance_without_points_names_the_dataset_to_use(results):
    del results['instances'][2]['point_coords']
    with pytest.raises(PointAnnotationError, match=r'a\.png: .*instance 2.*PointCocoDataset'):
        LoadPointAnnotations().transform(results)


def test_an_image_smaller_than_its_annotations_is_refused(results):
    results['ori_shape'] = (60, 40)
    with pytest.raises(PointAnnotationError, match=r'a\.png: .*60 x 40 .*expected 40 x 60'):
        LoadPointAnnotations().transform(results)


def test_it_is_built_from_a_config_of_mmdet():
    transform = TRANSFORMS.build({'type': 'mmpointrend.LoadPointAnnotations'})
    assert isinstance(transform, LoadPointAnnotations)
    assert repr(transform).startswith('LoadPointAnnotations(with_bbox=True')
