"""Boundary AP, on shapes whose overlaps are known."""

import json
import sys

import faster_coco_eval
import numpy as np
import pytest
import torch
from mmdet.registry import METRICS
from mmengine.registry import DefaultScope
from mmengine.structures import InstanceData

from mmpointrend.annotation import mask_annotation
from mmpointrend.evaluation import boundary_iou
from mmpointrend.evaluation.metrics import CocoMetric

HEIGHT, WIDTH = 120, 160  # a diagonal of 200: the boundary region is 4 pixels wide
CLASSES = ('disc', 'square')


def disc(x, y, radius):
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    return (columns - x) ** 2 + (rows - y) ** 2 < radius**2


def square(x, y, side):
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[y : y + side, x : x + side] = True
    return mask


# Masks and labels of the objects in each image.
TRUTH = [
    [(disc(40, 50, 30), 0), (square(90, 20, 50), 1)],
    [(disc(100, 60, 20), 0)],
    [],
]


@pytest.fixture
def ann_file(tmp_path):
    annotations = []
    for image_id, objects in enumerate(TRUTH):
        for mask, label in objects:
            annotations.append(mask_annotation(mask, len(annotations) + 1, image_id, 10 + label))
    path = tmp_path / 'instances.json'
    images = [{'id': index, 'width': WIDTH, 'height': HEIGHT} for index in range(len(TRUTH))]
    categories = [{'id': 10 + index, 'name': name} for index, name in enumerate(CLASSES)]
    content = {'images': images, 'annotations': annotations, 'categories': categories}
    path.write_text(json.dumps(content))
    return str(path)


def make_metric(ann_file, metric=('segm', 'boundary'), **kwargs):
    evaluator = CocoMetric(ann_file=ann_file, metric=list(metric), **kwargs)
    evaluator.dataset_meta = {'classes': CLASSES}
    return evaluator


def evaluate(predictions, *args, **kwargs):
    """Metrics of predicted masks, labels and scores, a list for each image."""
    return run(make_metric(*args, **kwargs), predictions)


def run(evaluator, predictions):
    samples = []
    for image_id, objects in enumerate(predictions):
        instances = InstanceData(
            bboxes=torch.zeros(len(objects), 4),
            masks=torch.from_numpy(
                np.array([mask for mask, _, _ in objects], bool).reshape(-1, HEIGHT, WIDTH)
            ),
            labels=torch.tensor([label for _, label, _ in objects], dtype=torch.int64),
            scores=torch.tensor([score for _, _, score in objects]),
        )
        shape = (HEIGHT, WIDTH)
        samples.append({'img_id': image_id, 'ori_shape': shape, 'pred_instances': instances})
    evaluator.process({}, samples)
    return evaluator.evaluate(len(samples))


def shifted(pixels):
    return [
        [(np.roll(mask, pixels, 1), label, 0.9) for mask, label in objects] for objects in TRUTH
    ]


def test_perfect_masks_reach_one(ann_file):
    metrics = evaluate(shifted(0), ann_file)
    found = {key: value for key, value in metrics.items() if 'boundary' in key}
    assert found == {
        'coco/boundary_mAP': 1.0,
        'coco/boundary_mAP_50': 1.0,
        'coco/boundary_mAP_75': 1.0,
        'coco/boundary_mAP_s': -1.0,
        'coco/boundary_mAP_m': 1.0,
        'coco/boundary_mAP_l': -1.0,
    }


def test_a_shift_hurts_boundaries_more_than_masks(ann_file):
    metrics = evaluate(shifted(1), ann_file)
    for mask, _ in [one for objects in TRUTH for one in objects]:
        assert 0.75 < boundary_iou(mask, np.roll(mask, 1, 1)) < 0.8
    # Right at six of the ten thresholds.
    assert metrics['coco/boundary_mAP'] == 0.6
    assert metrics['coco/boundary_mAP_75'] == 1
    assert metrics['coco/segm_mAP'] > 0.9


def noisy():
    rng = np.random.default_rng(0)
    predictions = []
    for objects in TRUTH:
        predictions.append([])
        for mask, label in objects * 3:
            moved = np.roll(mask, rng.integers(-4, 5, 2), (0, 1))
            predictions[-1].append((moved, label, float(rng.random())))
    return predictions


@pytest.mark.parametrize('dilation_ratio', [0.02, 0.06])
@pytest.mark.parametrize('metric', [('boundary',), ('bbox', 'segm', 'boundary')])
def test_matches_faster_coco_eval(ann_file, metric, dilation_ratio):
    predictions = noisy()
    metrics = evaluate(
        predictions,
        ann_file,
        metric,
        proposal_nums=(1, 10, 100),
        dilation_ratio=dilation_ratio,
    )
    detections = [
        {
            **mask_annotation(mask, 0, image_id, 10 + label),
            'score': float(np.float32(score)),
        }
        for image_id, objects in enumerate(predictions)
        for mask, label, score in objects
    ]
    for detection in detections:
        del detection['bbox']
    truth = faster_coco_eval.COCO(ann_file)
    reference = faster_coco_eval.COCOeval_faster(
        truth,
        truth.loadRes(detections),
        iouType='boundary',
        boundary_dilation_ratio=dilation_ratio,
    )
    reference.run()
    found = [value for key, value in metrics.items() if 'boundary' in key]
    np.testing.assert_allclose(found, reference.stats[:6], atol=6e-4)
    assert 0.1 < metrics['coco/boundary_mAP'] < 0.9


def test_other_metrics_are_those_of_mmdet(ann_file):
    metrics = evaluate(noisy(), ann_file, ('bbox', 'segm', 'boundary'))
    expected = evaluate(noisy(), ann_file, ('bbox', 'segm'))
    assert {key: metrics[key] for key in expected} == expected
    assert len(metrics) == len(expected) + 6


def test_counts_as_many_detections_as_mask_ap(ann_file):
    # 150 wrong ones come first: the right ones are among 300 detections, and not among 100.
    wrong = [(disc(20, 100, 5), label, 0.95) for label in (0, 1) for _ in range(150)]
    predictions = [objects + wrong for objects in shifted(0)]
    metrics = evaluate(predictions, ann_file, proposal_nums=(1, 100, 300))
    for suffix in ('', '_50', '_75', '_s', '_m', '_l'):
        assert metrics[f'coco/boundary_mAP{suffix}'] == metrics[f'coco/segm_mAP{suffix}']
    assert metrics['coco/boundary_mAP'] == 0 < metrics['coco/boundary_mAP_50']


def test_ground_truth_of_mmdet_stays_as_it_is(ann_file):
    evaluator = make_metric(ann_file, ['boundary'])
    keys = [sorted(ann) for ann in evaluator._coco_api.dataset['annotations']]
    run(evaluator, shifted(0))
    assert [sorted(ann) for ann in evaluator._coco_api.dataset['annotations']] == keys


def test_predictions_without_masks_are_an_error(ann_file):
    evaluator = make_metric(ann_file, ['boundary'])
    instances = InstanceData(
        bboxes=torch.zeros(1, 4), labels=torch.zeros(1, dtype=torch.int64), scores=torch.ones(1)
    )
    sample = {'img_id': 0, 'ori_shape': (HEIGHT, WIDTH), 'pred_instances': instances}
    evaluator.process({}, [sample])
    with pytest.raises(KeyError, match="without masks, expected them for 'boundary'"):
        evaluator.evaluate(1)


def test_no_predictions_are_an_ap_of_zero(ann_file):
    assert evaluate([[], [], []], ann_file)['coco/boundary_mAP'] == 0


def test_config_finds_it_by_its_scope():
    with DefaultScope.overwrite_default_scope('mmdet'):
        metric = METRICS.build({'type': 'mmpointrend.CocoMetric', 'metric': ['segm', 'boundary']})
    assert type(metric) is CocoMetric


def test_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, 'faster_coco_eval', None)
    with pytest.raises(ImportError, match='pip install faster-coco-eval'):
        CocoMetric(metric=['segm', 'boundary'])
    CocoMetric(metric='segm')


def test_an_unknown_metric_is_an_error():
    with pytest.raises(KeyError, match='boundaries'):
        CocoMetric(metric='boundaries')
