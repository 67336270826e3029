"""Every config says what its name says, and everything that it names exists."""

import re
from functools import partial
from unittest.mock import patch

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
    PointCascadeRoIHead,
    PointCondInstBboxHead,
    PointCondInstMaskHead,
    PointFCNMaskHead,
    PointINS,
    PointINSFCOSHead,
    PointINSMaskHead,
    PointINSRetinaHead,
    PointMask2Former,
    PointMask2FormerHead,
    PointRendCascadeRoIHead,
    PointRendHTCRoIHead,
    PointRendMaskHead,
    PointRendRoIHead,
    PointRTMDetInsSepBNHead,
    PointStandardRoIHead,
)

from .catalogue import (
    ABLATIONS,
    METHODS,
    PATHS,
    class_head_key,
    config_of,
    entries,
    fields,
    from_points,
    import_modules,
    load,
)

every_config = pytest.mark.parametrize('path', PATHS, ids=lambda path: path.stem)
every_method = pytest.mark.parametrize('method', METHODS)


def without_files(cfg):
    """The dataset of a config, built without its files."""
    wrapped = cfg
    while 'dataset' in wrapped:
        wrapped = wrapped.dataset
    return DATASETS.build({**wrapped, 'lazy_init': True})


def train_dataset(path):
    """The training dataset and its transforms, without its files and without what repeats it."""
    return without_files(load(path).train_dataloader.dataset)


def loaders(path):
    cfg = load(path)
    return cfg.train_dataloader, cfg.val_dataloader, cfg.test_dataloader


def as_list(value):
    return value if isinstance(value, list) else [value]


def build_empty(model):
    """Build the model of a config without memory for its parameters."""
    # Transformers read the numbers that linspace returns while they are built.
    on_cpu = partial(torch.linspace, device='cpu')
    with torch.device('meta'), patch('torch.linspace', on_cpu):
        return MODELS.build(model)


def test_there_are_configs():
    assert len(PATHS) >= 60


TWO_STAGES = {'': 'MaskRCNN', 'roi_head': PointRendRoIHead}
IMPLICIT = TWO_STAGES | {'roi_head.mask_head': ImplicitPointRendMaskHead}
POINTINS = {'': PointINS, 'mask_head': PointINSMaskHead}
# What the parts of a model are.
PARTS = {
    'cascade-mask-rcnn': {
        '': 'CascadeRCNN',
        'roi_head': PointCascadeRoIHead,
        'roi_head.mask_head': PointFCNMaskHead,
    },
    'cascade-pointrend': {
        '': 'CascadeRCNN',
        'roi_head': PointRendCascadeRoIHead,
        'roi_head.mask_head': PointRendMaskHead,
    },
    'condinst': {
        '': 'CondInst',
        'bbox_head': PointCondInstBboxHead,
        'mask_head': PointCondInstMaskHead,
    },
    'htc-pointrend': {
        '': 'HybridTaskCascade',
        'roi_head': PointRendHTCRoIHead,
        'roi_head.mask_head': PointRendMaskHead,
    },
    'implicit-pointrend': IMPLICIT,
    **dict.fromkeys(ABLATIONS, IMPLICIT),
    'mask-rcnn': {
        '': 'MaskRCNN',
        'roi_head': PointStandardRoIHead,
        'roi_head.mask_head': PointFCNMaskHead,
    },
    'mask2former': {'': PointMask2Former, 'panoptic_head': PointMask2FormerHead},
    'pointins-fcos': POINTINS | {'bbox_head': PointINSFCOSHead},
    'pointins-retina': POINTINS | {'bbox_head': PointINSRetinaHead},
    'pointrend': TWO_STAGES | {'roi_head.mask_head': PointRendMaskHead},
    'rtmdet-ins': {'': 'RTMDet', 'bbox_head': PointRTMDetInsSepBNHead},
}


@every_config
def test_method(path):
    model = load(path).model
    found = {'': model, **entries(model)}
    for key, expected in PARTS[fields(path)['method']].items():
        expected = MODELS.get(expected) if isinstance(expected, str) else expected
        assert MODELS.get(found[key].type) is expected


def test_ablations_of_implicit_pointrend_change_what_they_are_named_after():
    (whole,) = (path for path in PATHS if path.stem == 'implicit-pointrend_r50_fpn_p10_1x_coco')
    whole = entries(load(whole).to_dict())
    changes = {}
    for method in ABLATIONS:
        found = entries(load(config_of(method)).to_dict())
        changes[method.removeprefix('implicit-pointrend-')] = {
            key.removeprefix('model.roi_head.'): value
            for key, value in found.items()
            if not isinstance(value, dict | list) and whole.get(key, 'missing') != value
        }
    assert changes == {
        'box-head': {
            'mask_roi_extractor.output_size': 7,
            'mask_head.parameter_head.roi_feat_size': 7,
            'mask_head.parameter_head.conv_channels': None,
        },
        'no-features': {'mask_head.point_head.image_features': False},
        'plain': {'mask_head.point_head.position': 'plain'},
    }


# What a backbone's name says, for all but the ResNets, whose names say it themselves.
BACKBONES = {
    'convnext-t': {'type': 'mmpretrain.ConvNeXt', 'arch': 'tiny'},
    'cspnext-s': {'type': 'CSPNeXt', 'arch': 'P5', 'deepen_factor': 0.33, 'widen_factor': 0.5},
    'hrnet-w18': {'type': 'HRNet'},
    'mobilenetv2': {'type': 'MobileNetV2', 'widen_factor': 1.0},
    'pvtv2-b0': {'type': 'PyramidVisionTransformerV2', 'embed_dims': 32, 'num_layers': [2] * 4},
    'regnetx-3.2gf': {'type': 'RegNet', 'arch': 'regnetx_3.2gf'},
    'res2net-50': {'type': 'Res2Net', 'depth': 50, 'scales': 4, 'base_width': 26},
    'swin-t': {'type': 'SwinTransformer', 'embed_dims': 96, 'depths': [2, 2, 6, 2]},
}
RESNET = re.compile(
    r'(?P<kind>[rx])(?P<depth>\d+)(-(?P<groups>\d+)x(?P<base_width>\d+)d)?'
    r'(?P<small>-small)?(?P<caffe>-caffe)?'
)


@every_config
def test_backbone(path):
    backbone, name = load(path).model.backbone, fields(path)['backbone']
    if name in BACKBONES:
        expected = BACKBONES[name]
        found = {'widen_factor': 1.0, **backbone}
        assert {key: found[key] for key in expected} == expected
    else:
        says = RESNET.fullmatch(name).groupdict()
        assert backbone.type == {'r': 'ResNet', 'x': 'ResNeXt'}[says['kind']]
        assert backbone.depth == int(says['depth'])
        assert (backbone.get('base_channels', 64) < 64) == bool(says['small'])
        for key in ('groups', 'base_width'):
            assert backbone.get(key) == (says[key] and int(says[key]))
        frozen = says['caffe'] or fields(path)['method'] == 'mask2former'
        assert backbone.norm_cfg.requires_grad != bool(frozen)
        # Caffe2, where the ResNeXt comes from, has torch's strides.
        assert backbone.style == ('caffe' if says['caffe'] and says['kind'] == 'r' else 'pytorch')


def test_width_of_hrnet():
    paths = [path for path in PATHS if fields(path)['backbone'] == 'hrnet-w18']
    for path in paths:
        widths = [stage.num_channels for stage in load(path).model.backbone.extra.values()]
        assert widths == [(64,), (18, 36), (18, 36, 72), (18, 36, 72, 144)]
    assert paths


@every_config
def test_neck(path):
    model = load(path).model
    # That of Mask2Former is a part of its head.
    neck = model.neck if 'neck' in model else model.panoptic_head.pixel_decoder
    assert neck.type.lower().removesuffix('pixeldecoder') == fields(path)['neck']


# How images were given to the backbones whose weights are used: means, deviations, RGB.
RGB = ([123.675, 116.28, 103.53], [58.395, 57.12, 57.375], True)
BGR = ([103.53, 116.28, 123.675], [57.375, 57.12, 58.395], False)
BGR_UNSCALED = ([103.53, 116.28, 123.675], [1.0, 1.0, 1.0], False)
PRETRAINED = {
    'torchvision://resnet50': RGB,
    'torchvision://resnet101': RGB,
    'torchvision://resnext101_32x8d': RGB,
    'open-mmlab://detectron2/resnet50_caffe': BGR_UNSCALED,
    'open-mmlab://detectron2/resnet101_caffe': BGR_UNSCALED,
    'open-mmlab://detectron2/resnext101_32x8d': BGR,
    'open-mmlab://mmdet/mobilenet_v2': RGB,
    'open-mmlab://msra/hrnetv2_w18': RGB,
    'open-mmlab://regnetx_3.2gf': BGR,
    'convnext-tiny_3rdparty_32xb128-noema_in1k_20220301-795e9634.pth': RGB,
    'cspnext-s_imagenet_600e.pth': BGR,
    'pvt_v2_b0.pth': RGB,
    'res2net50_v1b_26w_4s_mmdet.pth': RGB,
    'swin_tiny_patch4_window7_224.pth': RGB,
}


@every_config
def test_images_are_normalised_as_the_backbone_knows_them(path):
    model = load(path).model
    weights, images = model.backbone.init_cfg, model.data_preprocessor
    if weights is None:
        assert fields(path)['backbone'].endswith('-small')
    else:
        source = re.sub(r'^(https:|checkpoints/).*?([^/]+)$', r'\2', weights.checkpoint)
        assert (images.mean, images.std, images.bgr_to_rgb) == PRETRAINED[source]


@every_config
def test_supervision_of_training(path):
    supervision, dataset = fields(path)['supervision'], train_dataset(path)
    steps = [type(step) for step in dataset.pipeline.transforms]
    assert isinstance(dataset, PointCocoDataset) == from_points(path)
    assert (LoadPointAnnotations in steps) == from_points(path)
    suffix = f'_{supervision.removesuffix("-aug")}.json'
    assert dataset.ann_file.endswith(suffix) == (supervision != 'masks')
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


# The dataset, and what evaluates it; CocoDataset and CocoMetric are not written down.
EVALUATION = {
    'cityscapes': ('CityscapesDataset', ['CocoMetric', 'CityScapesMetric']),
    'lvis': ('LVISV1Dataset', ['LVISMetric']),
}


@every_config
def test_evaluation_is_on_masks_whatever_the_training(path):
    cfg = load(path)
    dataset_type, metrics = EVALUATION.get(fields(path)['dataset'], ('CocoDataset', ['CocoMetric']))
    for loader, evaluator in (
        (cfg.val_dataloader, cfg.val_evaluator),
        (cfg.test_dataloader, cfg.test_evaluator),
    ):
        dataset = without_files(loader.dataset)
        assert type(dataset) is DATASETS.get(dataset_type)
        assert [METRICS.get(metric.type) for metric in as_list(evaluator)] == [
            METRICS.get(metric) for metric in metrics
        ]
        first = as_list(evaluator)[0]
        assert dataset.ann_file == first.ann_file
        assert 'segm' in first.metric


@every_config
def test_schedule(path):
    cfg, schedule = load(path), fields(path)['schedule']
    number, unit = int(schedule[:-1]), schedule[-1]
    by_epoch = unit != 'k'
    loop = cfg.train_cfg
    length = number * {'x': 12, 'e': 1, 'k': 1000}[unit]
    assert loop.type == ('EpochBasedTrainLoop' if by_epoch else 'IterBasedTrainLoop')
    assert loop['max_epochs' if by_epoch else 'max_iters'] == length
    assert length % loop.val_interval == 0
    *warmup, decay = cfg.param_scheduler
    assert all(not step.by_epoch for step in warmup)
    assert decay.by_epoch == by_epoch
    assert decay.get('end', decay.get('T_max')) == length
    assert all(milestone < length for milestone in decay.get('milestones', []))


@every_config
def test_logs_and_checkpoints_count_what_the_schedule_counts(path):
    cfg = load(path)
    by_epoch = cfg.train_cfg.type == 'EpochBasedTrainLoop'
    assert cfg.log_processor.by_epoch == by_epoch
    assert cfg.default_hooks.checkpoint.get('by_epoch', True) == by_epoch


@every_config
def test_dataset(path):
    dataset = fields(path)['dataset']
    for loader in loaders(path):
        assert without_files(loader.dataset).data_root == f'data/{dataset}/'


@every_config
def test_number_of_classes_is_that_of_the_dataset(path):
    model = load(path).model
    num_classes = entries(model)[class_head_key(model)].num_classes
    for loader in loaders(path):
        assert len(without_files(loader.dataset).metainfo['classes']) == num_classes


@every_config
def test_number_of_classes_is_written_once(path):
    model = load(path).model
    written = [key for key in entries(model) if key.endswith(('classes', 'class_weight'))]
    assert written == [f'{class_head_key(model)}.num_classes']


@every_method
def test_one_override_of_the_number_of_classes_reaches_all_heads(method):
    cfg = load(config_of(method))
    cfg.merge_from_dict({f'model.{class_head_key(cfg.model)}.num_classes': 3})
    found = {
        key: module.num_classes
        for key, module in build_empty(cfg.model).named_modules()
        # That of the region proposals, which knows objects only, stays.
        if hasattr(module, 'num_classes') and not key.startswith('rpn_head')
    }
    assert found == dict.fromkeys(found, 3) != {}


def test_lvis_sees_images_with_rare_classes_more_often():
    paths = [path for path in PATHS if fields(path)['dataset'] == 'lvis']
    for path in paths:
        dataset = load(path).train_dataloader.dataset
        assert (dataset.type, dataset.oversample_thr) == ('ClassBalancedDataset', 1e-3)
    assert paths


def test_schedule_of_cityscapes_is_the_published_one():
    (path,) = (path for path in PATHS if path.stem.startswith('pointrend_r50_fpn_masks_24k_'))
    cfg = load(path)
    resize = next(
        step for step in train_dataset(path).pipeline.transforms if hasattr(step, 'scales')
    )
    assert resize.scales == [(2048, side) for side in range(800, 1025, 32)]
    assert cfg.param_scheduler[-1].milestones == [18000]
    assert (cfg.optim_wrapper.optimizer.lr, cfg.auto_scale_lr.base_batch_size) == (0.01, 8)


@every_config
def test_everything_around_the_model_is_registered(path):
    cfg = load(path)
    named = [(HOOKS, hook) for hook in cfg.default_hooks.values()]
    named += [(PARAM_SCHEDULERS, scheduler) for scheduler in cfg.param_scheduler]
    named += [(OPTIM_WRAPPERS, cfg.optim_wrapper), (OPTIMIZERS, cfg.optim_wrapper.optimizer)]
    named += [(VISUALIZERS, cfg.visualizer)]
    assert cfg.default_scope == 'mmdet'
    assert not [item.type for registry, item in named if registry.get(item.type) is None]


@every_config
def test_model_is_built(path):
    cfg = load(path)
    import_modules(cfg)
    assert type(build_empty(cfg.model)) is MODELS.get(load(path).model.type)


# detectron2 at commit 02b5c4e2 counts these parameters in pointrend_rcnn_R_50_FPN_1x_coco,
# implicit_pointrend_R_50_FPN_3x_coco and mask_rcnn_R_50_FPN_3x_point_sup_coco: in the whole model,
# where batch normalisation has none, and in the mask head.
PARAMETERS = {
    'implicit-pointrend': (346_416_816, 304_716_880),
    'mask-rcnn': (44_343_216, 2_643_280),
    'pointrend': (60_161_792, 18_461_856),
}


@pytest.mark.parametrize('method', PARAMETERS)
def test_number_of_parameters_matches_reference(method):
    path = next(path for path in PATHS if path.stem.startswith(f'{method}_r50_'))
    model = build_empty(load(path).model)
    everything = sum(parameter.numel() for parameter in model.parameters())
    normalisation = sum(
        parameter.numel()
        for module in model.modules()
        if isinstance(module, _BatchNorm)
        for parameter in module.parameters()
    )
    mask_head = sum(parameter.numel() for parameter in model.roi_head.mask_head.parameters())
    assert (everything - normalisation, mask_head) == PARAMETERS[method]
