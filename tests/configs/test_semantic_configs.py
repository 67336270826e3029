"""The semantic configs say what their names say, train and predict."""

import json
import random
from functools import lru_cache, partial
from unittest.mock import patch

import cv2
import numpy as np
import pytest
import torch
from mmengine.optim import build_optim_wrapper
from mmengine.registry import DefaultScope
from mmengine.structures import PixelData
from torch.nn.modules.batchnorm import _BatchNorm

from ..reference import load_reference

pytest.importorskip('mmseg')

from mmseg.datasets.transforms import transforms as mmseg_transforms
from mmseg.registry import (
    DATASETS,
    HOOKS,
    METRICS,
    MODELS,
    OPTIM_WRAPPERS,
    OPTIMIZERS,
    PARAM_SCHEDULERS,
    TRANSFORMS,
    VISUALIZERS,
)
from mmseg.structures import SegDataSample

from mmpointrend.models import PointRendDecodeHead, PointRendSegmentor

from . import catalogue
from .catalogue import ROOT, fields
from .test_configs import PRETRAINED, RGB

PATHS = {path.stem: path for path in sorted((ROOT / 'pointrend_semantic').glob('*.py'))}
every_config = pytest.mark.parametrize('name', PATHS)
PUBLISHED = 'pointrend_r101-caffe_fpn_masks_65k_cityscapes'
HEIGHT, WIDTH = 50, 90


@pytest.fixture(autouse=True, scope='module')
def semantic_scope():
    with DefaultScope.overwrite_default_scope('mmseg'):
        yield


def load(name):
    return catalogue.load(PATHS[name])


def distinct_models():
    """One config for every model that at least one config trains."""
    found = {}
    for name in PATHS:
        text = json.dumps(load(name).model.to_dict(), sort_keys=True)
        found.setdefault(text, name)
    return list(found.values())


# Model by model, so that one at a time is in memory.
every_model = pytest.mark.parametrize('name', distinct_models(), scope='module')


def build_empty(model):
    """Build a model without memory for its parameters."""
    # Transformers read the numbers that linspace returns while they are built.
    on_cpu = partial(torch.linspace, device='cpu')
    with torch.device('meta'), patch('torch.linspace', on_cpu):
        return MODELS.build(model)


@lru_cache(maxsize=1)
def build(name):
    cfg = load(name).model
    cfg.backbone.init_cfg = None
    torch.manual_seed(0)
    model = MODELS.build(cfg)
    model.init_weights()
    return model


def as_list(value):
    return value if isinstance(value, list) else [value]


def test_there_are_configs():
    assert len(PATHS) >= 16


# What a backbone's name says, and where its weights come from.
BACKBONES = {
    'hrnet-w18': ({'type': 'HRNet'}, 'open-mmlab://msra/hrnetv2_w18'),
    'mit-b0': (
        {'type': 'MixVisionTransformer', 'embed_dims': 32, 'num_layers': [2] * 4},
        'mit_b0_20220624-7e0fe6dd.pth',
    ),
    'r18-small': ({'type': 'ResNet', 'depth': 18, 'base_channels': 32}, None),
    'r50': ({'type': 'ResNet', 'depth': 50, 'style': 'pytorch'}, 'torchvision://resnet50'),
    'r101': ({'type': 'ResNet', 'depth': 101, 'style': 'pytorch'}, 'torchvision://resnet101'),
    'r50-caffe': (
        {'type': 'ResNet', 'depth': 50, 'style': 'caffe'},
        'open-mmlab://detectron2/resnet50_caffe',
    ),
    'r101-caffe': (
        {'type': 'ResNet', 'depth': 101, 'style': 'caffe'},
        'open-mmlab://detectron2/resnet101_caffe',
    ),
    'swin-t': (
        {'type': 'mmdet.SwinTransformer', 'embed_dims': 96, 'depths': [2, 2, 6, 2]},
        'swin_tiny_patch4_window7_224.pth',
    ),
    'unet': ({'type': 'UNet', 'base_channels': 64, 'num_stages': 5}, None),
}


@every_config
def test_backbone(name):
    backbone, says = load(name).model.backbone, fields(PATHS[name])['backbone']
    expected, weights = BACKBONES[says]
    assert {key: backbone[key] for key in expected} == expected
    if 'caffe' in says:
        assert not backbone.norm_cfg.requires_grad
    source = backbone.init_cfg.checkpoint if backbone.get('init_cfg') else None
    assert source == weights or source.rpartition('/')[2] == weights


@every_config
def test_images_are_normalised_as_the_backbone_knows_them(name):
    _, weights = BACKBONES[fields(PATHS[name])['backbone']]
    images = load(name).model.data_preprocessor
    expected = RGB if weights is None or weights.startswith('mit') else PRETRAINED[weights]
    assert (images.mean, images.std, images.bgr_to_rgb) == expected


# What the name's second part says: the decode head that makes the coarse map, and its stride.
COARSE_HEADS = {
    'deeplabv3': ('ASPPHead', 8),
    'deeplabv3plus': ('DepthwiseSeparableASPPHead', 4),
    'fcn': ('FCNHead', 4),
    'fpn': ('FPNHead', 4),
    'segformer': ('SegformerHead', 4),
    'upernet': ('UPerHead', 4),
}


@every_config
def test_coarse_head(name):
    model, says = load(name).model, fields(PATHS[name])['neck']
    assert model.decode_head[0].type == COARSE_HEADS[says][0]
    assert (model.neck is not None) == (says == 'fpn')


@every_model
def test_stride_of_the_coarse_map_and_of_the_fine_features(name):
    model = build(name).eval()
    with torch.no_grad():
        features = model.extract_feat(torch.zeros(1, 3, 64, 64))
        coarse = model.decode_head[0](features)
    backbone, stride = fields(PATHS[name])['backbone'], COARSE_HEADS[fields(PATHS[name])['neck']][1]
    assert 64 / coarse.shape[2] == (8 if backbone == 'r18-small' else stride)
    finest = max(features[index].shape[2] for index in model.decode_head[1].in_index)
    assert 64 / finest == (1 if backbone == 'unet' else 4)


@every_config
def test_supervision(name):
    prefixes = [
        load(name)[f'{split}_dataloader'].dataset.data_prefix.seg_map_path
        for split in ('train', 'val', 'test')
    ]
    says = fields(PATHS[name])['supervision']
    points = [f'_{says}/' in prefix for prefix in prefixes]
    assert points == [says != 'masks', False, False]


def test_points_and_masks_differ_in_nothing_but_the_label_maps():
    masks, points = (
        load(f'pointrend_r18-small_fpn_{supervision}_1k_nuclei').to_dict()
        for supervision in ('masks', 'p10')
    )
    for cfg in (masks, points):
        del cfg['train_dataloader']['dataset']['data_prefix']['seg_map_path']
    # Their pixels are moved, not resized.
    for pipeline in (points['train_pipeline'], points['train_dataloader']['dataset']['pipeline']):
        assert pipeline[2].pop('resize_type') == 'mmpointrend.ResizePointSegMap'
    assert masks == points


@every_config
def test_number_of_classes_is_written_once(name):
    cfg = load(name)
    first, *others = cfg.model.decode_head
    dataset = DATASETS.build({**cfg.train_dataloader.dataset, 'lazy_init': True})
    assert first.num_classes == len(dataset.metainfo['classes'])
    others += as_list(cfg.model.get('auxiliary_head', []))
    assert not [head.type for head in others if 'num_classes' in head]
    cfg.merge_from_dict({'model.decode_head.0.num_classes': 3})
    model = build_empty(cfg.model)
    auxiliary = [model.auxiliary_head] if model.with_auxiliary_head else []
    for head in (*model.decode_head, *auxiliary):
        assert head.num_classes == 3
    assert model.decode_head[1].point_head.predictor.out_features == 3


@every_config
def test_schedule_and_data(name):
    cfg, name = load(name), fields(PATHS[name])
    iterations = 1000 * int(name['schedule'].removesuffix('k'))
    assert cfg.train_cfg.max_iters == cfg.param_scheduler[-1].end == iterations
    assert iterations % cfg.train_cfg.val_interval == 0
    for loader in (cfg.train_dataloader, cfg.val_dataloader, cfg.test_dataloader):
        assert loader.dataset.data_root == f'data/{name["dataset"]}/'


@every_config
def test_everything_around_the_model_is_registered(name):
    cfg = load(name)
    named = [(HOOKS, hook) for hook in cfg.default_hooks.values()]
    named += [(PARAM_SCHEDULERS, scheduler) for scheduler in cfg.param_scheduler]
    named += [(OPTIM_WRAPPERS, cfg.optim_wrapper), (OPTIMIZERS, cfg.optim_wrapper.optimizer)]
    named += [(VISUALIZERS, cfg.visualizer), (MODELS, cfg.tta_model)]
    named += [(METRICS, metric) for metric in as_list(cfg.val_evaluator)]
    named += [(METRICS, metric) for metric in as_list(cfg.test_evaluator)]
    assert cfg.default_scope == 'mmseg'
    assert not [item.type for registry, item in named if registry.get(item.type) is None]
    assert not cfg.log_processor.by_epoch
    assert not cfg.default_hooks.checkpoint.by_epoch


@every_config
def test_model_is_built(name):
    model = build_empty(load(name).model)
    assert type(model) is PointRendSegmentor
    assert [type(head) for head in model.decode_head[1:]] == [PointRendDecodeHead]


def test_number_of_parameters_matches_reference():
    model = build_empty(load(PUBLISHED).model)
    everything = sum(parameter.numel() for parameter in model.parameters())
    normalisation = sum(
        parameter.numel()
        for module in model.modules()
        if isinstance(module, _BatchNorm)
        for parameter in module.parameters()
    )
    # Batch normalisation of detectron2 has no parameters.
    assert everything - normalisation == 47_572_582


def test_all_but_batch_normalisation_is_trained():
    trained = {
        key
        for key, value in build_empty(load(PUBLISHED).model).named_parameters()
        if value.requires_grad
    }
    frozen = set(dict(build_empty(load(PUBLISHED).model).named_parameters())) - trained
    assert frozen
    assert all('bn' in key or 'downsample.1' in key for key in frozen)


def test_recipe_is_the_published_one():
    cfg = load(PUBLISHED)
    sampler, test_cfg = cfg.model.decode_head[1].point_sampler, cfg.model.test_cfg
    assert (sampler.num_points, sampler.oversample_ratio, sampler.importance_ratio) == (
        2048,
        3,
        0.75,
    )
    assert test_cfg.subdivision_num_points == 8192
    steps = {step.type: step for step in cfg.train_pipeline}
    resize, crop = steps['RandomChoiceResize'], steps['RandomCrop']
    assert (resize.scales, resize.max_size) == ([512, *range(768, 2049, 256)], 4096)
    assert (crop.crop_size, crop.cat_max_ratio) == ((512, 1024), 0.75)
    assert cfg.optim_wrapper.optimizer.lr == 0.01
    assert cfg.param_scheduler[-1].milestones == [40000, 55000]
    assert cfg.auto_scale_lr.base_batch_size == 8 * cfg.train_dataloader.batch_size == 32


def test_weights_of_normalisation_do_not_decay():
    model = build_empty(load(PUBLISHED).model)
    optimizer = build_optim_wrapper(model, load(PUBLISHED).optim_wrapper).optimizer
    decays = {
        id(p): group['weight_decay'] for group in optimizer.param_groups for p in group['params']
    }
    assert decays[id(model.decode_head[0].scale_heads[0][0].gn.weight)] == 0
    assert decays[id(model.decode_head[1].point_head.predictor.weight)] == 0.0001


class PythonRandom:
    """The random generator of Python under the names that numpy's has."""

    def __init__(self, seed):
        self.generator = random.Random(seed)

    def randint(self, low, high=None):
        if high is None:
            return self.generator.randrange(low)
        # The reference includes the upper end, mmseg does not.
        return self.generator.randint(low, high)

    def uniform(self, low, high):
        return self.generator.uniform(low, high)


@pytest.mark.parametrize('case', range(12))
def test_colour_augmentation_matches_reference(case, monkeypatch):
    reference = load_reference('color_aug_ssd')
    image, case = reference['input'].numpy(), reference['cases'][case]
    # Images are BGR here; the reference turns RGB to BGR and back.
    order = slice(None, None, -1 if case['img_format'] == 'RGB' else None)
    (config,) = (
        step for step in load(PUBLISHED).train_pipeline if step.type == 'PhotoMetricDistortion'
    )
    monkeypatch.setattr(mmseg_transforms, 'random', PythonRandom(case['python_random_seed']))
    found = TRANSFORMS.build(config).transform({'img': image[..., order].copy()})['img'][..., order]
    assert np.array_equal(found, case['output'].numpy())


@pytest.mark.parametrize('size', [(256, 512), (100, 120)])
def test_training_pipeline(size, tmp_path):
    cfg = load(PUBLISHED)
    labels = np.repeat(np.arange(size[1])[None] * 19 // size[1], size[0], 0).astype(np.uint8)
    cv2.imwrite(str(tmp_path / 'image.png'), np.repeat(labels[..., None] * 10, 3, 2))
    cv2.imwrite(str(tmp_path / 'labels.png'), labels)
    sample = {
        'img_path': str(tmp_path / 'image.png'),
        'seg_map_path': str(tmp_path / 'labels.png'),
        'seg_fields': [],
        'label_map': None,
        'reduce_zero_label': False,
    }
    for transform in cfg.train_pipeline:
        sample = TRANSFORMS.build(transform)(sample)
    shape = sample['inputs'].shape[1:]
    assert shape[0] == 512
    assert shape[1] <= 1024
    assert sample['data_samples'].gt_sem_seg.shape == shape


@every_config
def test_pipelines_are_built(name):
    cfg = load(name)
    for step in (*cfg.train_pipeline, *cfg.test_pipeline, *cfg.tta_pipeline):
        assert TRANSFORMS.build(step) is not None


def batch(model, training):
    generator = torch.Generator().manual_seed(0)
    inputs = torch.randint(256, (2, 3, HEIGHT, WIDTH), dtype=torch.uint8, generator=generator)
    samples = []
    for _ in inputs:
        sample = SegDataSample(
            metainfo={'img_shape': (HEIGHT, WIDTH), 'ori_shape': (2 * HEIGHT, 2 * WIDTH)}
        )
        labels = torch.randint(model.num_classes, (1, HEIGHT, WIDTH), generator=generator)
        sample.gt_sem_seg = PixelData(data=labels)
        samples.append(sample)
    return model.data_preprocessor({'inputs': list(inputs), 'data_samples': samples}, training)


@every_model
def test_training_step(name):
    model = build(name).train()
    losses = model(**batch(model, True), mode='loss')
    heads = {'decode_0', 'decode_1', *(['aux'] if model.with_auxiliary_head else [])}
    assert {key: bool(value > 0) for key, value in losses.items() if 'loss' in key} == {
        f'{head}.loss_ce': True for head in heads
    }
    sum(value for key, value in losses.items() if 'loss' in key).backward()
    trained = {key: p for key, p in model.named_parameters() if p.requires_grad}
    assert [key for key, p in trained.items() if p.grad is None] == []


@every_model
def test_every_trained_parameter_is_optimised(name):
    model = build(name)
    optimizer = build_optim_wrapper(model, load(name).optim_wrapper).optimizer
    optimised = {id(p) for group in optimizer.param_groups for p in group['params']}
    parameters = model.named_parameters()
    assert [key for key, p in parameters if p.requires_grad and id(p) not in optimised] == []


@every_model
def test_prediction_in_pixels_of_the_file(name):
    model = build(name).eval()
    with torch.no_grad():
        found = model(**batch(model, False), mode='predict')
    for sample in found:
        assert sample.seg_logits.shape == (2 * HEIGHT, 2 * WIDTH)
        assert torch.isfinite(sample.seg_logits.data).all()
        assert torch.equal(sample.pred_sem_seg.data[0], sample.seg_logits.data.argmax(0))
