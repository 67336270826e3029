"""The boundary metric of semantic segmentation, over a small dataset."""

import numpy as np
import pytest
import torch
from mmengine.registry import METRICS

from mmpointrend.evaluation import boundary_region, trimap
from mmpointrend.evaluation.metrics import BoundaryIoUMetric, boundary_iou_metric

from ..test_label_boundaries import IGNORED, blobs

CLASSES = ('sky', 'road', 'car', 'boat')
PREDICTIONS = [blobs(seed) for seed in (1, 2, 3)]
TRUTH = [blobs(seed, seed == 5) for seed in (4, 5, 6)]


def sample(prediction, truth):
    return {
        'pred_sem_seg': {'data': torch.from_numpy(prediction).long()[None]},
        'gt_sem_seg': {'data': torch.from_numpy(truth).long()[None]},
        'seg_map_path': 'labels/7.png',
        'img_path': 'images/7.jpg',
    }


def evaluate(predictions, truth, **settings):
    metric = BoundaryIoUMetric(**settings)
    metric.dataset_meta = {'classes': CLASSES}
    pairs = list(zip(predictions, truth, strict=True))
    # A batch of two, then one of one.
    metric.process(None, [sample(*pair) for pair in pairs[:2]])
    metric.process(None, [sample(*pair) for pair in pairs[2:]])
    return metric.evaluate(len(pairs))


def mean_iou(masks):
    """Mean over the classes of the IoU of all images together; masks gives the two of a class in an
    image."""
    ious = []
    for label in range(len(CLASSES)):
        pairs = [masks(label, *pair) for pair in zip(PREDICTIONS, TRUTH, strict=True)]
        union = sum((a | b).sum() for a, b in pairs)
        if union:
            ious.append(sum((a & b).sum() for a, b in pairs) / union)
    assert len(ious) == 3  # there is no boat
    return 100 * np.mean(ious)


def test_boundary_iou_of_the_dataset():
    def regions(label, prediction, truth):
        ignored = truth == IGNORED
        return [
            boundary_region((labels == label) | ignored, 0.05) & ~ignored
            for labels in (prediction, truth)
        ]

    found = evaluate(PREDICTIONS, TRUTH, dilation_ratio=0.05)['mBoundaryIoU']
    assert found == pytest.approx(mean_iou(regions), abs=0.006)
    assert 0 < found < 100


@pytest.mark.parametrize('width', [1, 3])
def test_iou_in_the_trimaps_of_the_dataset(width):
    def in_band(label, prediction, truth):
        band = trimap(truth, width)
        return (prediction == label) & band, (truth == label) & band

    found = evaluate(PREDICTIONS, TRUTH, trimap_widths=(width, 8))
    assert set(found) == {'mBoundaryIoU', f'mIoU_trimap_{width}', 'mIoU_trimap_8'}
    assert found[f'mIoU_trimap_{width}'] == pytest.approx(mean_iou(in_band), abs=0.006)


def test_true_labels_have_no_error():
    perfect = [np.where(labels == IGNORED, 0, labels) for labels in TRUTH]
    assert set(evaluate(perfect, TRUTH).values()) == {100}


def test_floating_point_labels_are_labels():
    # What mmseg predicts with one channel.
    metric = BoundaryIoUMetric()
    metric.dataset_meta = {'classes': CLASSES}
    for pair in zip(PREDICTIONS, TRUTH, strict=True):
        found = sample(*pair)
        found['pred_sem_seg']['data'] = found['pred_sem_seg']['data'].float()
        metric.process(None, [found])
    assert metric.evaluate(len(TRUTH)) == evaluate(PREDICTIONS, TRUTH)


def test_a_dataset_of_ignored_pixels_has_no_result():
    ignored = [np.full_like(labels, IGNORED) for labels in TRUTH]
    assert np.isnan(list(evaluate(PREDICTIONS, ignored).values())).all()


def test_boundary_iou_of_every_class_is_logged(monkeypatch):
    logged = []
    monkeypatch.setattr(boundary_iou_metric, 'print_log', lambda text, logger: logged.append(text))
    found = evaluate(PREDICTIONS, TRUTH)['mBoundaryIoU']
    (text,) = logged
    title, *lines = (line.split() for line in text.splitlines())
    assert title == ['boundary', 'IoU']
    assert [name for name, _ in lines] == list(CLASSES)
    values = [float(value) for _, value in lines]
    assert np.isnan(values[3])
    assert np.mean(values[:3]) == pytest.approx(found, abs=0.01)


def test_an_unknown_label():
    labels = TRUTH[0].copy()
    labels[0, 0] = 4
    message = r'labels/7\.png: found the label 4, expected labels below 4, or 255'
    with pytest.raises(ValueError, match=message):
        evaluate(PREDICTIONS, [labels, *TRUTH[1:]])


def test_a_prediction_of_another_size():
    height, width = TRUTH[0].shape
    message = (
        rf'images/7\.jpg: found a prediction of {width - 1} x {height - 2} pixels, '
        f'expected {width} x {height} as in the truth'
    )
    with pytest.raises(ValueError, match=message):
        evaluate([PREDICTIONS[0][2:, 1:], *PREDICTIONS[1:]], TRUTH)


@pytest.mark.parametrize('widths', [[0], (4, -1)])
def test_a_trimap_without_width(widths):
    with pytest.raises(ValueError, match=r'trimap_widths must be 1 or more, got \['):
        BoundaryIoUMetric(trimap_widths=widths)


def test_configs_find_it():
    metric = METRICS.build({'type': 'mmpointrend.BoundaryIoUMetric', 'trimap_widths': [2]})
    assert isinstance(metric, BoundaryIoUMetric)
