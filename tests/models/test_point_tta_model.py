import pytest
import torch
from mmdet.registry import MODELS
from mmdet.structures import DetDataSample
from mmengine.config import Config
from mmengine.registry import DefaultScope

from mmpointrend.models import PointTTAModel

from ..configs.catalogue import ROOT

SIZE = (96, 128)
TTA_CFG = {'nms': {'type': 'nms', 'iou_threshold': 0.5}, 'max_per_img': 5}


@pytest.fixture(scope='module')
def model():
    with DefaultScope.overwrite_default_scope('mmdet'):
        cfg = Config.fromfile(ROOT / '_base_/models/pointrend_r18-small_fpn.py').model
        cfg.test_cfg.rcnn.update(score_thr=0.0, max_per_img=5)
        torch.manual_seed(0)
        model = MODELS.build(cfg)
        model.init_weights()
        # Large enough to be sure of something, away from the ties of a fresh head.
        torch.nn.init.normal_(model.roi_head.mask_head.point_head.predictor.weight, std=0.5)
        yield model.eval()


def image() -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randint(256, (3, *SIZE), dtype=torch.uint8, generator=generator)


def view(direction: str | None = None) -> tuple[torch.Tensor, DetDataSample]:
    """The image, twice as large as its file, or its mirror image."""
    axes = {'horizontal': [2], 'vertical': [1], 'diagonal': [1, 2], None: []}[direction]
    meta = {
        'img_shape': SIZE,
        'ori_shape': (SIZE[0] // 2, SIZE[1] // 2),
        'scale_factor': (2.0, 2.0),
        'flip': direction is not None,
        'flip_direction': direction,
    }
    return image().flip(axes), DetDataSample(metainfo=meta)


def batch(*directions: str | None) -> dict:
    views = [view(direction) for direction in directions]
    return {'inputs': [[x] for x, _ in views], 'data_samples': [[s] for _, s in views]}


def predict(model, *directions):
    (sample,) = PointTTAModel(TTA_CFG, module=model).test_step(batch(*directions))
    return sample.pred_instances


def test_one_view_is_the_prediction(model):
    x, sample = view()
    (expected,) = model.test_step({'inputs': [x], 'data_samples': [sample]})
    expected, actual = expected.pred_instances, predict(model, None)
    assert len(actual) == 5
    assert actual.masks.any()
    torch.testing.assert_close(actual.bboxes, expected.bboxes)
    assert (actual.masks == expected.masks).float().mean() > 0.999


@pytest.mark.parametrize('direction', ['horizontal', 'vertical', 'diagonal'])
def test_one_mirrored_view_is_the_mirrored_prediction_of_the_mirror_image(model, direction):
    mirrored, _ = view(direction)
    (expected,) = model.test_step({'inputs': [mirrored], 'data_samples': [view()[1]]})
    axes = {'horizontal': [2], 'vertical': [1], 'diagonal': [1, 2]}[direction]
    expected, actual = expected.pred_instances.masks.flip(axes), predict(model, direction)
    assert actual.masks.any()
    assert actual.masks.shape == expected.shape == (5, SIZE[0] // 2, SIZE[1] // 2)
    # Pasting rounds a little differently left and right.
    assert (actual.masks == expected).float().mean() > 0.99


def test_mask_is_the_mean_of_the_views(model):
    """Of the same boxes, whose order does not matter here: all are kept."""
    cfg = {**TTA_CFG, 'nms': {'type': 'nms', 'iou_threshold': 1.0}, 'max_per_img': 10}
    (sample,) = PointTTAModel(cfg, module=model).test_step(batch(None, None))
    assert len(sample.pred_instances) == 10
    once = predict(model, None)
    for mask in once.masks:
        assert sum((mask == other).float().mean() > 0.999 for other in sample.pred_instances.masks)


def test_views_that_disagree_are_averaged(model):
    """A view whose logits are always sure of the opposite leaves a probability of one half."""
    calls = []
    predictor = model.roi_head.mask_head.point_predictor

    def opposite(*args):
        calls.append(predictor(*args))
        sign = 1 if len(calls) % 2 else -1
        return lambda points: sign * (points[..., :1] * 0 + 3)

    model.roi_head.mask_head.point_predictor = opposite
    model.roi_head.test_cfg.mask_thr_binary = 0.49
    try:
        nearly_half = predict(model, None, 'horizontal').masks
        model.roi_head.test_cfg.mask_thr_binary = 0.51
        more_than_half = predict(model, None, 'horizontal').masks
    finally:
        del model.roi_head.mask_head.point_predictor
        model.roi_head.test_cfg.mask_thr_binary = 0.5
    assert nearly_half.any()
    assert not more_than_half.any()


def test_no_detection_in_any_view(model):
    threshold = model.roi_head.test_cfg.score_thr
    model.roi_head.test_cfg.score_thr = 2
    try:
        instances = predict(model, None, 'horizontal')
    finally:
        model.roi_head.test_cfg.score_thr = threshold
    assert len(instances) == len(instances.masks) == 0


def test_other_models_are_an_error():
    model = torch.nn.Module()
    model.test_step = model.roi_head = torch.nn.Linear(1, 1)
    with pytest.raises(TypeError, match=r'roi_head to be a PointRendRoIHead.*found Linear'):
        PointTTAModel(TTA_CFG, module=model)
