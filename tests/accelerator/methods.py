"""Every method trains and predicts on a device of its own, with the numbers of the CPU."""

from collections.abc import Callable, Iterator

import pytest
import torch
from mmengine.registry import DefaultScope

from ..configs.steps import build, predict, step
from ..configs.test_training_steps import MODELS
from ..models import test_point_tta_model as tta
from ..models.segmentors import test_point_rend_segmentor as semantic
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


def semantic_results(cfg: dict, num_labelled: int, device: str) -> tuple[torch.Tensor, float]:
    """Logits of a prediction, and the sum of the losses of a training step."""
    model = semantic.build(cfg).to(device)
    images = semantic.images(2).to(device)
    logits = torch.stack([x.seg_logits.data for x in semantic.predict(model, images)])
    labels = torch.full((2, *semantic.SIZE), 255)
    labels.flatten(1)[:, :num_labelled] = torch.arange(num_labelled) % 2
    torch.manual_seed(0)
    losses = model.train().loss(images, semantic.samples(labels.to(device)))
    total = sum(value for key, value in losses.items() if 'loss' in key)
    total.backward()
    return logits.cpu(), total.item()


@pytest.mark.parametrize('make_config', [semantic.config, semantic.binary_config])
@pytest.mark.parametrize('num_labelled', [9, 5000])
def test_semantic_segmentation(make_config: Callable[[], dict], num_labelled: int) -> None:
    with DefaultScope.overwrite_default_scope('mmseg'):
        logits, loss = semantic_results(make_config(), num_labelled, 'cpu')
        logits_there, loss_there = semantic_results(make_config(), num_labelled, DEVICE)
    assert loss_there == pytest.approx(loss, rel=1e-3)
    torch.testing.assert_close(logits_there, logits)


model = tta.model


def test_time_augmentation(model: torch.nn.Module) -> None:
    expected = tta.predict(model, None, 'horizontal').masks
    masks = tta.predict(model.to(DEVICE), None, 'horizontal').masks
    assert isinstance(masks, DeviceTensor)
    assert (masks.cpu() == expected).float().mean() > 0.99
