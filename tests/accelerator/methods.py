"""Every method trains and predicts on a device of its own, with the numbers of the CPU."""

from collections.abc import Iterator

import pytest
import torch
from mmengine.registry import DefaultScope

from ..configs.steps import build, predict, step
from ..configs.test_training_steps import MODELS
from .device import DEVICE, DeviceTensor, accelerator


@pytest.fixture(autouse=True, scope='module')
def on_accelerator() -> Iterator[None]:
    with accelerator(), DefaultScope.overwrite_default_scope('mmdet'):
        yield


@pytest.mark.parametrize(
    'mix',
    [
        lambda x: x + torch.ones(3),
        lambda x: torch.cat((x, torch.ones(3))),
        lambda x: torch.ones(3)[x.long()],
        lambda x: x.numpy(),
    ],
)
def test_mixing_devices_is_an_error(mix) -> None:
    with pytest.raises((RuntimeError, TypeError), match='on mirror:0'):
        mix(torch.zeros(3, device=DEVICE))


def results(name: str, device: str) -> tuple[list[torch.Tensor], dict[str, float]]:
    """Masks of detections, and the losses of a training step."""
    build.cache_clear()
    build(name).to(device)
    masks = [instances.masks for instances in predict(name, 0, rescale=True)]
    assert all(isinstance(x, DeviceTensor) == (device == DEVICE) for x in masks)
    losses, forgotten = step.__wrapped__(name, ('masks', 'points'))
    assert not forgotten
    return [x.cpu() for x in masks], losses


@pytest.mark.parametrize('name', MODELS)
def test_method(name: str) -> None:
    masks, losses = results(name, 'cpu')
    masks_there, losses_there = results(name, DEVICE)
    assert losses_there == pytest.approx(losses, rel=1e-3)
    for mask, mask_there in zip(masks, masks_there, strict=True):
        assert (mask == mask_there).float().mean() > 0.99
