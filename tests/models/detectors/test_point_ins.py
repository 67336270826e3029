import gc
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn.parallel import DistributedDataParallel

from mmpointrend.structures import PointMasks

from ..tiny_point_ins import batch, image, tiny_point_ins

SIZES = [(56, 72), (96, 128)]
BOXES = [[2, 4, 40, 36], [30, 20, 70, 54]]
MODELS = {
    'fcos': ('fcos', {}),
    'retina': ('retina', {}),
    'fcos-static': ('fcos', {'static_weights': True}),
    'retina-offset': ('retina', {'weight_input': 'feature+offset', 'dyn_kernel': 3}),
}
every_model = pytest.mark.parametrize('name', MODELS, scope='module')
# What the images of a batch are annotated with; 'no' means an image without any object.
BATCHES = [
    ('masks', 'masks'),
    ('points', 'points'),
    ('masks', 'no masks'),
    ('no points', 'points'),
    ('no masks', 'no masks'),
    ('no points', 'no points'),
    ('masks', 'points'),
]
every_batch = pytest.mark.parametrize('annotations', BATCHES, ids='-'.join)


@cache
def build(name: str):
    detector, mask_head = MODELS[name]
    return tiny_point_ins(detector, **mask_head)


def annotated(annotation: str, size: tuple[int, int]):
    boxes = [] if annotation.startswith('no ') else BOXES
    sample = image(size, boxes, [0, 2][: len(boxes)])
    if annotation.endswith('points'):
        # The first object has one point less, and one point lies outside its box.
        coords = [[[20.5, 30.5], [35.5, 10.5]], [[60.5, 30.5], [50.5, 50.5], [0.5, 0.5]]]
        labels = [[1, 0], [1, 0, 0]]
        count = len(boxes)
        sample.gt_instances.masks = PointMasks(coords[:count], labels[:count], *size)
    return sample


@cache
def step(name: str, annotations: tuple[str, ...]) -> tuple[dict[str, float], list[str]]:
    """Losses of a training step, and the parameters that it leaves without gradient."""
    model = build(name).train()
    model.zero_grad()
    samples = [annotated(*pair) for pair in zip(annotations, SIZES, strict=True)]
    loss, logged = model.parse_losses(model(**batch(model, samples), mode='loss'))
    loss.backward()
    forgotten = [key for key, parameter in model.named_parameters() if parameter.grad is None]
    return {key: value.item() for key, value in logged.items()}, forgotten


@every_model
@every_batch
def test_losses_are_finite(name, annotations):
    losses, _ = step(name, annotations)
    assert np.isfinite(list(losses.values())).all(), losses


@every_model
@every_batch
def test_losses_are_the_same_ones_in_every_batch(name, annotations):
    assert list(step(name, annotations)[0]) == list(step(name, BATCHES[0])[0])


@every_model
@every_batch
def test_every_parameter_gets_a_gradient(name, annotations):
    assert step(name, annotations)[1] == []


@every_model
@every_batch
def test_masks_are_learned_where_there_are_objects(name, annotations):
    has_objects = not all(annotation.startswith('no ') for annotation in annotations)
    assert (step(name, annotations)[0]['loss_mask'] > 0) == has_objects


def predict(name: str, rescale: bool, score_thr: float = 0.0):
    model = build(name).eval()
    model.bbox_head.test_cfg.update(score_thr=score_thr, max_per_img=7)
    data = batch(model, [annotated('masks', size) for size in SIZES], training=False)
    with torch.no_grad():
        samples = model.predict(data['inputs'], data['data_samples'], rescale=rescale)
    return [sample.pred_instances for sample in samples]


@every_model
def test_prediction_in_pixels_of_the_input_or_of_the_file(name):
    both = zip(predict(name, False), predict(name, True), SIZES, strict=True)
    for scaled, original, (height, width) in both:
        assert scaled.masks.shape == (7, height, width)
        assert original.masks.shape == (7, height // 2, width // 2)
        assert scaled.masks.dtype == original.masks.dtype == torch.bool
        torch.testing.assert_close(scaled.bboxes, original.bboxes * 2)


@every_model
def test_only_detections_after_nms_are_decoded(name):
    decoded = []
    handle = build(name).mask_head.predictor.register_forward_hook(
        lambda _, args, masks: decoded.append(len(masks))
    )
    predict(name, True)
    handle.remove()
    assert decoded == [2 * 7]


@every_model
def test_prediction_without_detections(name):
    for instances in predict(name, True, score_thr=2.0):
        assert len(instances.bboxes) == len(instances.masks) == 0


@pytest.mark.parametrize(
    ('setting', 'message'),
    [
        ({'num_slots': 3}, 'mask_head.num_slots is 3, but that of bbox_head is 9'),
        ({'strides': [4, 8]}, r'mask_head.strides is \(4, 8\), but that of bbox_head is \(8, 16\)'),
    ],
)
def test_heads_that_count_differently_are_named(setting, message):
    with pytest.raises(ValueError, match=message):
        tiny_point_ins('retina', **setting)


def mask_gradients(detector: str, images: slice, wrap=lambda model: model) -> dict:
    """Gradients of the mask head on some of two images, of which the second has no object."""
    model = tiny_point_ins(detector, max_positives=10**6)
    # Statistics of a batch are those of one process.
    model.backbone.norm_eval = True
    model.train()
    data = batch(model, [annotated('masks', SIZES[0]), annotated('no masks', SIZES[0])])
    wrapped = wrap(model)
    losses = wrapped(data['inputs'][images], data['data_samples'][images], mode='loss')
    model.parse_losses(losses)[0].backward()
    return {name: parameter.grad for name, parameter in model.mask_head.named_parameters()}


def train_on_one_image(rank: int, folder: Path) -> None:
    """What each of two processes does."""
    torch.set_num_threads(1)
    rendezvous = f'file://{folder}/rendezvous'
    torch.distributed.init_process_group('gloo', rendezvous, rank=rank, world_size=2)
    image = slice(rank, rank + 1)
    found = {
        detector: mask_gradients(detector, image, DistributedDataParallel)
        for detector in ('fcos', 'retina')
    }
    torch.save(found, folder / f'{rank}.pth')
    # The threads of the group abort a process that ends before them; models hold on to it.
    torch.distributed.destroy_process_group()
    gc.collect()


@pytest.fixture(scope='module')
def two_processes(tmp_path_factory) -> list[dict]:
    folder = tmp_path_factory.mktemp('processes')
    torch.multiprocessing.spawn(train_on_one_image, (folder,), nprocs=2)
    return [torch.load(folder / f'{rank}.pth') for rank in range(2)]


@pytest.fixture
def one_thread() -> Iterator[None]:
    """As in the two processes: sums over all positives depend on the number of threads."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.mark.parametrize('detector', ['fcos', 'retina'])
def test_two_processes_learn_masks_like_one_with_the_images_of_both(
    detector, two_processes, one_thread
):
    expected = mask_gradients(detector, slice(None))
    for found in two_processes:
        torch.testing.assert_close(found[detector], expected, rtol=1e-4, atol=1e-7)
