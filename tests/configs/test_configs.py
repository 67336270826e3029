"""Every config says what its name says, and everything that it names exists."""

import re

import pytest
import torch
from mmdet.registry import (
    DATASETS,
    HOOKS,
    METRICS,
    MODELS,
    OPTIM_WRAPPERS,
    OPTIMIZERS,
    PARAM_SCHEDULERS,
    VISUALIZERS,
)
from torch.nn.modules.batchnorm import _BatchNorm

from mmpointrend.datasets import LoadPointAnnotations, PointCocoDataset, SubsamplePoints
from mmpointrend.models import (
    ImplicitPointRendMaskHead,
    ImplicitPointRendRoIHead,
    PointFCNMaskHead,
    PointStandardRoIHead,
)

from .catalogue import PATHS, fields, load

every_config = pytest.mark.parametrize('path', PATHS, ids=lambda path: path.stem)


def train_dataset(path):
    """The training dataset and its transforms, without its files."""
    return DATASETS.build({**load(path).train_dataloader.dataset, 'lazy_init': True})


def test_there_are_configs():
    assert len(PATHS) >= 12


@every_config
def test_method(path):
    roi_head = load(path).model.roi_head
    roi_head_type, mask_head_type = {
        'implicit-pointrend': (ImplicitPointRendRoIHead, ImplicitPointRendMaskHead),
        'mask-rcnn': (PointStandardRoIHead, PointFCNMaskHead),
    }[fields(path)['method']]
    assert load(path).model.type == 'MaskRCNN'
    assert MODELS.get(roi_head.type) is roi_head_type
    assert MODELS.get(roi_head.mask_head.type) is mask_head_type


@every_config
def test_backbone_and_neck(path):
    model, name = load(path).model, fields(path)
    depth, small = re.fullmatch(r'r(\d+)(-small)?', name['backbone']).groups()
    assert (model.backbone.type, model.backbone.depth) == ('ResNet', int(depth))
    assert (model.backbone.get('base_channels', 64) < 64) == bool(small)
    assert model.neck.type.lower() == name['neck']


@every_config
def test_supervision_of_training(path):
    supervision, dataset = fields(path)['supervision'], train_dataset(path)
    steps = [type(step) for step in dataset.pipeline.transforms]
    annotations = load(path).train_dataloader.dataset.ann_file
    from_points = supervision != 'masks'
    assert isinstance(dataset, PointCocoDataset) == from_points
    assert (LoadPointAnnotations in steps) == from_points
    assert annotations.endswith(f'_{supervision.removesuffix("-aug")}.json') == from_points
    assert (SubsamplePoints in steps) == supervision.endswith('-aug')


@pytest.mark.parametrize(
    'path',
    [path for path in PATHS if fields(path)['supervision'].endswith('-aug')],
    ids=lambda path: path.stem,
)
def test_augmentation_keeps_half_of_the_points(path):
    num_points = int(re.search(r'\d+', fields(path)['supervision']).group())
    steps = train_dataset(path).pipeline.transforms
    kept = [step.num_points for step in steps if isinstance(step, SubsamplePoints)]
    assert kept == [num_points // 2]


@every_config
def test_evaluation_is_on_masks_whatever_the_training(path):
    cfg = load(path)
    for loader, evaluator in (
        (cfg.val_dataloader, cfg.val_evaluator),
        (cfg.test_dataloader, cfg.test_evaluator),
    ):
        dataset = DATASETS.build({**loader.dataset, 'lazy_init': True})
        assert type(dataset) is DATASETS.get('CocoDataset')
        assert dataset.ann_file == evaluator.ann_file
        assert METRICS.get(evaluator.type) is METRICS.get('CocoMetric')
        assert 'segm' in evaluator.metric


@every_config
def test_schedule(path):
    cfg, schedule = load(path), fields(path)['schedule']
    number = int(schedule[:-1])
    epochs = 12 * number if schedule.endswith('x') else number
    assert cfg.train_cfg.max_epochs == epochs
    assert epochs % cfg.train_cfg.val_interval == 0
    *warmup, decay = cfg.param_scheduler
    assert all(not step.by_epoch for step in warmup)
    assert decay.get('T_max', decay.get('end')) == epochs
    assert all(milestone < epochs for milestone in decay.get('milestones', []))


@every_config
def test_dataset(path):
    cfg, dataset = load(path), fields(path)['dataset']
    assert train_dataset(path).data_root == f'data/{dataset}/'
    for loader in (cfg.train_dataloader, cfg.val_dataloader, cfg.test_dataloader):
        assert loader.dataset.data_root == f'data/{dataset}/'


@every_config
def test_number_of_classes_is_that_of_the_dataset(path):
    cfg = load(path)
    num_classes = cfg.model.roi_head.bbox_head.num_classes
    assert cfg.model.roi_head.mask_head.get('num_classes', num_classes) == num_classes
    for loader in (cfg.train_dataloader, cfg.val_dataloader, cfg.test_dataloader):
        dataset = DATASETS.build({**loader.dataset, 'lazy_init': True})
        assert len(dataset.metainfo['classes']) == num_classes


@every_config
def test_everything_around_the_model_is_registered(path):
    cfg = load(path)
    named = [(HOOKS, hook) for hook in cfg.default_hooks.values()]
    named += [(PARAM_SCHEDULERS, scheduler) for scheduler in cfg.param_scheduler]
    named += [(OPTIM_WRAPPERS, cfg.optim_wrapper), (OPTIMIZERS, cfg.optim_wrapper.optimizer)]
    named += [(VISUALIZERS, cfg.visualizer)]
    assert cfg.default_scope == 'mmdet'
    assert not [item.type for registry, item in named if registry.get(item.type) is None]


# detectron2 at commit 02b5c4e2 counts these parameters in implicit_pointrend_R_50_FPN_3x_coco and
# mask_rcnn_R_50_FPN_3x_point_sup_coco: in the whole model, where batch normalisation has none, and
# in the mask head.
PARAMETERS = {
    'implicit-pointrend': (346_416_816, 304_716_880),
    'mask-rcnn': (44_343_216, 2_643_280),
}


@pytest.mark.parametrize('method', PARAMETERS)
def test_number_of_parameters_matches_reference(method):
    path = next(path for path in PATHS if path.stem.startswith(f'{method}_r50_'))
    with torch.device('meta'):
        model = MODELS.build(load(path).model)
    everything = sum(parameter.numel() for parameter in model.parameters())
    normalisation = sum(
        parameter.numel()
        for module in model.modules()
        if isinstance(module, _BatchNorm)
        for parameter in module.parameters()
    )
    mask_head = sum(parameter.numel() for parameter in model.roi_head.mask_head.parameters())
    assert (everything - normalisation, mask_head) == PARAMETERS[method]
