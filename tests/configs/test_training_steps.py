"""Every method trains on every kind of batch, and predicts."""

import numpy as np
import pytest
import torch

from mmpointrend.models import PointDiceLoss

from .catalogue import ABLATIONS, METHODS, config_of, model_name
from .steps import HEIGHT, NUM_DETECTIONS, WIDTH, build, mask_losses, predict, step

# What the images of a batch are annotated with; 'no' means an image without any object.
BATCHES = {
    'masks': ('masks', 'masks'),
    'points': ('points', 'points'),
    'masks-and-no-masks': ('masks', 'no masks'),
    'points-and-no-points': ('no points', 'points'),
    'no-masks': ('no masks', 'no masks'),
    'no-points': ('no points', 'no points'),
    'masks-and-points': ('masks', 'points'),
}

# Ablations differ from a method in one layer; that they train is in test_every_model.py.
MODELS = [model_name(config_of(method)) for method in METHODS if method not in ABLATIONS]
# Mask2Former always returns so many masks as it is told to, and puts boxes around them.
BOX_MODELS = [name for name in MODELS if not name.startswith('mask2former')]
# Model by model, so that one at a time is in memory.
every_method = pytest.mark.parametrize('name', MODELS, scope='module')
every_box_method = pytest.mark.parametrize('name', BOX_MODELS, scope='module')
every_batch = pytest.mark.parametrize('batch_name', BATCHES)


@every_method
@every_batch
def test_losses_are_finite(name, batch_name):
    losses, _ = step(name, BATCHES[batch_name])
    assert np.isfinite(list(losses.values())).all(), losses


@every_method
@every_batch
def test_every_trained_parameter_gets_a_gradient(name, batch_name):
    _, forgotten = step(name, BATCHES[batch_name])
    assert forgotten == []


@pytest.mark.parametrize(
    'name', [name for name in MODELS if not name.startswith(('mask2former', 'pointins'))]
)
def test_point_dice_trains_in_place_of_the_cross_entropy(name, monkeypatch):
    heads = [module for module in build(name).modules() if hasattr(module, 'loss_point')]
    assert heads
    for head in heads:
        monkeypatch.setattr(head, 'loss_point', PointDiceLoss())
    losses, forgotten = step.__wrapped__(name, ('points', 'no points'))
    assert forgotten == []
    assert all(0 < value < 1 for value in mask_losses(losses).values())


@every_method
@every_batch
def test_losses_are_the_same_ones_in_every_batch(name, batch_name):
    assert list(step(name, BATCHES[batch_name])[0]) == list(step(name, BATCHES['masks'])[0])


@every_method
@every_batch
def test_masks_are_learned_where_there_are_objects(name, batch_name):
    losses, _ = step(name, BATCHES[batch_name])
    has_objects = any(not annotation.startswith('no ') for annotation in BATCHES[batch_name])
    learned = {key: value > 0 for key, value in mask_losses(losses).items()}
    assert learned == dict.fromkeys(learned, has_objects) != {}


@every_method
def test_prediction_in_pixels_of_the_input_or_of_the_file(name):
    for scaled, original in zip(
        predict(name, 0, rescale=False), predict(name, 0, rescale=True), strict=True
    ):
        assert len(scaled) == len(original) == NUM_DETECTIONS
        assert scaled.masks.shape == (NUM_DETECTIONS, HEIGHT, WIDTH)
        assert original.masks.shape == (NUM_DETECTIONS, HEIGHT // 2, WIDTH // 2)
        assert scaled.masks.dtype == original.masks.dtype == torch.bool
        if name in BOX_MODELS:
            torch.testing.assert_close(scaled.bboxes, original.bboxes * 2)


@every_box_method
@pytest.mark.parametrize('rescale', [False, True])
def test_prediction_without_detections(name, rescale):
    for instances in predict(name, 2, rescale):
        assert len(instances) == len(instances.bboxes) == len(instances.masks) == 0
        assert instances.masks.ndim == 3
