"""Every model of a config trains on every kind of batch, and predicts."""

from functools import cache, lru_cache

import numpy as np
import pytest
import torch
from mmdet.registry import MODELS
from mmdet.structures import DetDataSample
from mmdet.structures.mask import BitmapMasks
from mmengine.structures import InstanceData

from mmpointrend.structures import PointMasks

from .catalogue import distinct_models, load

MODEL_PATHS = distinct_models()
HEIGHT, WIDTH = 90, 120
BOXES = torch.tensor([[8.0, 10.0, 60.0, 70.0], [50.0, 20.0, 110.0, 80.0]])

# What the images of a batch are annotated with; 'no' means an image without any object.
BATCHES = {
    'masks': ['masks', 'masks'],
    'points': ['points', 'points'],
    'masks-and-no-masks': ['masks', 'no masks'],
    'points-and-no-points': ['no points', 'points'],
    'no-masks': ['no masks', 'no masks'],
    'no-points': ['no points', 'no points'],
    'masks-and-points': ['masks', 'points'],
}


def small(path) -> dict:
    """The model of a config, with few regions and without the 290 million parameters."""
    model = load(path).model
    model.backbone.init_cfg = None
    model.train_cfg.rpn_proposal.update(nms_pre=50, max_per_img=20)
    model.train_cfg.rcnn.sampler.num = 16
    model.test_cfg.rpn.update(nms_pre=50, max_per_img=20)
    model.test_cfg.rcnn.max_per_img = 3
    if 'parameter_head' in model.roi_head.mask_head:
        model.roi_head.mask_head.parameter_head.fc_channels = 16
        model.roi_head.mask_head.point_head.fc_channels = 8
    return model


@lru_cache(maxsize=1)
def build(name: str) -> torch.nn.Module:
    torch.manual_seed(0)
    model = MODELS.build(small(MODEL_PATHS[name]))
    model.init_weights()
    return model


def ground_truth(annotation: str, num_classes: int) -> InstanceData:
    boxes = BOXES[:0] if annotation.startswith('no ') else BOXES
    if annotation.endswith('masks'):
        dense = np.zeros((len(boxes), HEIGHT, WIDTH), np.uint8)
        for mask, (x1, y1, x2, y2) in zip(dense, boxes.int().tolist(), strict=True):
            mask[y1 : (y1 + y2) // 2, x1:x2] = 1
        masks = BitmapMasks(dense, HEIGHT, WIDTH)
    else:
        # The first object has one point less, and one point lies outside its box.
        coords = [[[20.5, 30.5], [55.5, 60.5]], [[70.5, 30.5], [100.5, 70.5], [0.5, 0.5]]]
        labels = [[1, 0], [1, 0, 0]]
        masks = PointMasks(coords[: len(boxes)], labels[: len(boxes)], HEIGHT, WIDTH)
    labels = torch.tensor([0, num_classes - 1])[: len(boxes)]
    return InstanceData(bboxes=boxes.clone(), labels=labels, masks=masks)


def batch(model, annotations: list[str]) -> dict:
    """A preprocessed batch of images twice as large as the files they come from."""
    generator = torch.Generator().manual_seed(0)
    inputs, samples = [], []
    for annotation in annotations:
        shape = (3, HEIGHT, WIDTH)
        inputs.append(torch.randint(256, shape, dtype=torch.uint8, generator=generator))
        sample = DetDataSample(
            metainfo={
                'img_shape': (HEIGHT, WIDTH),
                'ori_shape': (HEIGHT // 2, WIDTH // 2),
                'scale_factor': (2.0, 2.0),
            }
        )
        sample.gt_instances = ground_truth(annotation, model.roi_head.bbox_head.num_classes)
        samples.append(sample)
    return model.data_preprocessor({'inputs': inputs, 'data_samples': samples}, model.training)


@cache
def step(name: str, batch_name: str) -> tuple[dict[str, float], list[str]]:
    """Losses of a training step, and the trained parameters that it leaves without gradient."""
    model = build(name).train()
    model.zero_grad()
    torch.manual_seed(0)
    losses = model(**batch(model, BATCHES[batch_name]), mode='loss')
    total, logged = model.parse_losses(losses)
    total.backward()
    parameters = model.named_parameters()
    forgotten = [key for key, p in parameters if p.requires_grad and p.grad is None]
    return {key: value.item() for key, value in logged.items()}, forgotten


# Model by model, so that one at a time is in memory.
every_model = pytest.mark.parametrize('name', MODEL_PATHS, scope='module')
every_batch = pytest.mark.parametrize('batch_name', BATCHES)


@every_model
@every_batch
def test_losses_are_finite(name, batch_name):
    losses, _ = step(name, batch_name)
    assert np.isfinite(list(losses.values())).all(), losses


@every_model
@every_batch
def test_every_trained_parameter_gets_a_gradient(name, batch_name):
    _, forgotten = step(name, batch_name)
    assert forgotten == []


@every_model
@every_batch
def test_losses_are_the_same_ones_in_every_batch(name, batch_name):
    assert list(step(name, batch_name)[0]) == list(step(name, 'masks')[0])


@every_model
@every_batch
def test_masks_are_learned_where_there_are_objects(name, batch_name):
    losses, _ = step(name, batch_name)
    mask_loss = losses.get('loss_mask', losses.get('loss_point'))
    has_objects = any(not a.startswith('no ') for a in BATCHES[batch_name])
    assert (mask_loss > 0) == has_objects


def predict(name: str, score_thr: float, rescale: bool) -> list[InstanceData]:
    model = build(name).eval()
    model.roi_head.test_cfg.score_thr = score_thr
    data = batch(model, ['no masks', 'no masks'])
    with torch.no_grad():
        samples = model.predict(data['inputs'], data['data_samples'], rescale=rescale)
    return [sample.pred_instances for sample in samples]


@every_model
def test_prediction_in_pixels_of_the_input_or_of_the_file(name):
    for scaled, original in zip(
        predict(name, 0, rescale=False), predict(name, 0, rescale=True), strict=True
    ):
        assert len(scaled) == len(original) == 3
        assert scaled.masks.shape == (3, HEIGHT, WIDTH)
        assert original.masks.shape == (3, HEIGHT // 2, WIDTH // 2)
        assert scaled.masks.dtype == original.masks.dtype == torch.bool
        torch.testing.assert_close(scaled.bboxes, original.bboxes * 2)


@every_model
@pytest.mark.parametrize('rescale', [False, True])
def test_prediction_without_detections(name, rescale):
    for instances in predict(name, 2, rescale):
        assert len(instances) == len(instances.bboxes) == len(instances.masks) == 0
        assert instances.masks.ndim == 3
