"""Training steps and predictions of the configs' models, on small images and few regions."""

from functools import cache, lru_cache

import numpy as np
import torch
from mmdet.registry import MODELS
from mmdet.structures import DetDataSample
from mmdet.structures.mask import BitmapMasks
from mmengine.config import Config
from mmengine.model import revert_sync_batchnorm
from mmengine.structures import InstanceData

from mmpointrend.structures import PointMasks

from .catalogue import class_head_key, distinct_models, import_modules, load

MODEL_PATHS = distinct_models()
HEIGHT, WIDTH = 90, 120
BOXES = torch.tensor([[8.0, 10.0, 60.0, 70.0], [50.0, 20.0, 110.0, 80.0]])
NUM_DETECTIONS = 3


def small(name: str) -> dict:
    """The model of a config, with few regions and without the millions of its heads' weights."""
    cfg = load(MODEL_PATHS[name])
    import_modules(cfg)
    model = cfg.model
    model.backbone.init_cfg = None
    if 'panoptic_head' in model:
        _shrink_queries(model)
    elif 'roi_head' in model:
        _shrink_regions(model)
    else:
        model.test_cfg.update(nms_pre=50, max_per_img=NUM_DETECTIONS)
    return model


def _shrink_regions(model: Config) -> None:
    model.train_cfg.rpn_proposal.update(nms_pre=50, max_per_img=20)
    stages = model.train_cfg.rcnn
    for stage in stages if isinstance(stages, list) else [stages]:
        stage.sampler.num = 16
    model.test_cfg.rpn.update(nms_pre=50, max_per_img=20)
    model.test_cfg.rcnn.max_per_img = NUM_DETECTIONS
    mask_head = model.roi_head.mask_head
    for head in ('coarse_head', 'parameter_head'):
        if head in mask_head:
            mask_head[head].fc_channels = 16
            mask_head.point_head.fc_channels = 8


def _shrink_queries(model: Config) -> None:
    model.data_preprocessor.batch_augments = None
    head = model.panoptic_head
    head.num_queries = 5
    head.pixel_decoder.encoder.num_layers = 1
    head.transformer_decoder.num_layers = 2
    model.train_cfg.num_points = 100
    model.test_cfg.max_per_image = NUM_DETECTIONS


@lru_cache(maxsize=1)
def build(name: str) -> torch.nn.Module:
    torch.manual_seed(0)
    # As mmengine does where there is one process.
    model = revert_sync_batchnorm(MODELS.build(small(name)))
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


def class_head(model: torch.nn.Module, name: str) -> torch.nn.Module:
    """The head that says how many classes the model of this name has."""
    return model.get_submodule(class_head_key(load(MODEL_PATHS[name]).model))


def batch(name: str, annotations: tuple[str, ...]) -> dict:
    """A preprocessed batch of images twice as large as the files they come from."""
    model = build(name)
    num_classes = class_head(model, name).num_classes
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
        sample.gt_instances = ground_truth(annotation, num_classes)
        samples.append(sample)
    return model.data_preprocessor({'inputs': inputs, 'data_samples': samples}, model.training)


@cache
def step(name: str, annotations: tuple[str, ...]) -> tuple[dict[str, float], list[str]]:
    """Losses of a training step, and the trained parameters that it leaves without gradient.

    Args:
        name: Name of the model.
        annotations: What each image is annotated with: 'masks', 'points', and after 'no ' nothing
            of the kind.
    """
    model = build(name).train()
    model.zero_grad()
    torch.manual_seed(0)
    losses = model(**batch(name, annotations), mode='loss')
    total, logged = model.parse_losses(losses)
    total.backward()
    parameters = model.named_parameters()
    forgotten = [key for key, p in parameters if p.requires_grad and p.grad is None]
    return {key: value.item() for key, value in logged.items()}, forgotten


def mask_losses(losses: dict[str, float]) -> dict[str, float]:
    """The losses of the mask heads, of all stages."""
    return {
        key: value
        for key, value in losses.items()
        if key.rpartition('.')[2] in ('loss_mask', 'loss_point', 'loss_dice')
    }


def predict(name: str, score_thr: float, rescale: bool) -> list[InstanceData]:
    model = build(name).eval()
    for head in ('roi_head', 'bbox_head'):  # Mask2Former has no threshold
        if hasattr(model, head):
            getattr(model, head).test_cfg.score_thr = score_thr
    data = batch(name, ('no masks', 'no masks'))
    with torch.no_grad():
        samples = model.predict(data['inputs'], data['data_samples'], rescale=rescale)
    return [sample.pred_instances for sample in samples]
