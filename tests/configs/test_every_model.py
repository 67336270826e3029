"""Every model of a config takes a training step and predicts, whatever its backbone.

What depends on the method alone is in test_training_steps.py.
"""

import numpy as np
import pytest
import torch
from mmengine.optim import build_optim_wrapper

from .catalogue import load
from .steps import HEIGHT, MODEL_PATHS, NUM_DETECTIONS, WIDTH, build, mask_losses, predict, step

BATCH = ('masks', 'points')
TWO_STAGE_MODELS = [name for name, path in MODEL_PATHS.items() if 'roi_head' in load(path).model]
# Model by model, so that one at a time is in memory.
every_model = pytest.mark.parametrize('name', MODEL_PATHS, scope='module')


@every_model
def test_losses_are_finite(name):
    losses, _ = step(name, BATCH)
    assert np.isfinite(list(losses.values())).all(), losses


@every_model
def test_masks_are_learned(name):
    losses = mask_losses(step(name, BATCH)[0])
    assert losses and min(losses.values()) > 0, losses


@every_model
def test_every_trained_parameter_gets_a_gradient(name):
    assert step(name, BATCH)[1] == []


@every_model
def test_every_trained_parameter_is_optimised(name):
    model = build(name)
    optimizer = build_optim_wrapper(model, load(MODEL_PATHS[name]).optim_wrapper).optimizer
    optimised = {id(p) for group in optimizer.param_groups for p in group['params']}
    parameters = model.named_parameters()
    assert [key for key, p in parameters if p.requires_grad and id(p) not in optimised] == []


def strides_of(module: torch.nn.Module) -> list[int]:
    """Strides that a part of a model believes its feature levels to have, if it has any opinion."""
    for name in ('prior_generator', 'point_generator'):
        if hasattr(module, name):
            return [stride for stride, _ in getattr(module, name).strides]
    return list(getattr(module, 'featmap_strides', getattr(module, 'strides', ())))


@pytest.mark.parametrize('name', TWO_STAGE_MODELS, scope='module')
def test_strides_are_those_of_the_features(name):
    model = build(name).eval()
    with torch.no_grad():
        levels = model.extract_feat(torch.zeros(1, 3, 128, 128))
    strides = [128 // level.shape[-1] for level in levels]
    believed = {
        key: strides_of(module)
        for key, module in model.named_modules()
        if strides_of(module) and not key.startswith(('backbone', 'neck'))
    }
    assert len(believed) >= (3 if hasattr(model, 'roi_head') else 1)
    assert believed == {key: strides[: len(found)] for key, found in believed.items()}


@every_model
def test_prediction(name):
    for instances in predict(name, 0, rescale=False):
        assert instances.masks.shape == (NUM_DETECTIONS, HEIGHT, WIDTH)
        assert instances.masks.dtype == torch.bool
        assert torch.isfinite(instances.bboxes).all()
