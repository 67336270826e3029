import pytest
import torch
from mmdet.registry import MODELS
from mmdet.structures import DetDataSample
from mmengine.config import Config
from mmengine.registry import DefaultScope

from mmpointrend.apis import predict_box_masks

from ..configs.catalogue import ROOT

SIZES = [(96, 128), (64, 96)]


def build(name: str) -> torch.nn.Module:
    with DefaultScope.overwrite_default_scope('mmdet'):
        cfg = Config.fromfile(ROOT / f'_base_/models/{name}.py').model
        cfg.test_cfg.rcnn.update(score_thr=0.0, max_per_img=4)
        torch.manual_seed(0)
        model = MODELS.build(cfg)
        model.init_weights()
    return model.eval()


def batch() -> dict:
    """Two images of different size, twice as large as their files."""
    generator = torch.Generator().manual_seed(0)
    inputs, samples = [], []
    for height, width in SIZES:
        shape = (3, height, width)
        inputs.append(torch.randint(256, shape, dtype=torch.uint8, generator=generator))
        meta = {
            'img_shape': (height, width),
            'ori_shape': (height // 2, width // 2),
            'scale_factor': (2.0, 2.0),
        }
        samples.append(DetDataSample(metainfo=meta))
    return {'inputs': inputs, 'data_samples': samples}


@pytest.mark.parametrize(
    'name',
    ['pointrend_r18-small_fpn', 'implicit-pointrend_r18-small_fpn', 'mask-rcnn_r18-small_fpn'],
)
def test_masks_of_detected_boxes_are_those_of_the_detections(name: str) -> None:
    model = build(name)
    with torch.no_grad():
        detections = [sample.pred_instances for sample in model.test_step(batch())]
    masks = predict_box_masks(
        model,
        batch(),
        [instances.bboxes for instances in detections],
        [instances.labels for instances in detections],
    )
    for predicted, instances, (height, width) in zip(masks, detections, SIZES, strict=True):
        assert predicted.shape == (4, height // 2, width // 2)
        assert (predicted == instances.masks).float().mean() > 0.999


def test_images_without_boxes() -> None:
    boxes = [torch.zeros(0, 4), torch.tensor([[3.0, 4.0, 20.0, 25.0]])]
    labels = [torch.zeros(0, dtype=torch.long), torch.tensor([0])]
    masks = predict_box_masks(build('pointrend_r18-small_fpn'), batch(), boxes, labels)
    assert [tuple(image.shape) for image in masks] == [(0, 48, 64), (1, 32, 48)]


def test_model_without_region_masks_is_an_error() -> None:
    with pytest.raises(TypeError, match='found a Linear, expected a two-stage model with a mask'):
        predict_box_masks(torch.nn.Linear(1, 1), {}, [], [])
