"""Whole models of other projects become ours, and checkpoints that do not fit are errors."""

from functools import cache
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.registry import MODELS, DefaultScope
from torch import Tensor, nn

from mmpointrend.checkpoints import CheckpointError, convert, rename

from .synthetic import detectron2_tensors

CONFIGS = Path(__file__).parents[2] / 'configs'
TARGETS = {
    'pointrend': 'pointrend/pointrend_r50-caffe_fpn_masks_1x_coco',
    'implicit_pointrend': 'implicit_pointrend/implicit-pointrend_r50-caffe_fpn_masks_3x_coco',
    'mask_rcnn': 'point_sup/mask-rcnn_r50-caffe_fpn_p10_3x_coco',
    'pointrend_semantic': 'pointrend_semantic/pointrend_r101-caffe_fpn_masks_65k_cityscapes',
}
every_model = pytest.mark.parametrize('name', TARGETS)


@cache
def config(name: str) -> Config:
    return Config.fromfile(CONFIGS / f'{TARGETS[name]}.py')


def build(model: dict, scope: str) -> nn.Module:
    """A model without values."""
    with DefaultScope.overwrite_default_scope(scope), torch.device('meta'):
        return MODELS.build(model)


def build_ours(name: str) -> nn.Module:
    return build(config(name).model, config(name).default_scope)


@cache
def target(name: str) -> dict[str, Tensor]:
    return build_ours(name).state_dict()


def problems(*args) -> list[str]:
    """The lines of the error of a conversion."""
    with pytest.raises(CheckpointError) as caught:
        convert(*args)
    return [line.strip() for line in str(caught.value).splitlines()]


@every_model
@pytest.mark.parametrize('with_computed', [True, False], ids=['older', 'newer'])
def test_model_of_detectron2_is_complete(name: str, with_computed: bool) -> None:
    tensors = detectron2_tensors(name, with_computed)
    conversion = convert(tensors, target(name))
    build_ours(name).load_state_dict(conversion.state, strict=True, assign=True)
    origins, dropped = conversion.renamed.origins, conversion.renamed.dropped
    assert sorted([*origins.values(), *dropped]) == sorted(tensors)
    assert sorted([*origins, *conversion.filled]) == sorted(conversion.state)
    # Pixels, and where there are boxes the anchors of five levels.
    computed = 2 if name == 'pointrend_semantic' else 7
    assert len(dropped) == (computed if with_computed else 0)


@every_model
def test_only_counters_of_steps_are_filled(name: str) -> None:
    conversion = convert(detectron2_tensors(name), target(name))
    counters = [key for key in target(name) if key.endswith('num_batches_tracked')]
    assert conversion.filled == counters
    assert all(conversion.state[key].item() == 0 for key in counters)


def test_names_from_before_the_mask_head_was_one() -> None:
    tensors = detectron2_tensors('pointrend')
    old = {
        key.replace('mask_head.coarse_head.fc', 'mask_coarse_head.coarse_mask_fc')
        .replace('mask_head.coarse_head.', 'mask_coarse_head.')
        .replace('mask_head.point_head.', 'mask_point_head.'): value
        for key, value in tensors.items()
    }
    assert len(old.keys() - tensors.keys()) == 16
    assert rename(old).tensors.keys() == rename(tensors).tensors.keys()
    assert not convert(old, target('pointrend')).state.keys() ^ target('pointrend').keys()


def test_values_are_those_of_the_checkpoint() -> None:
    tensors = detectron2_tensors('mask_rcnn')
    shape = tensors['roi_heads.mask_head.deconv.weight'].shape
    tensors['roi_heads.mask_head.deconv.weight'] = torch.randn(shape).half()
    state = convert(tensors, target('mask_rcnn')).state
    expected = tensors['roi_heads.mask_head.deconv.weight'].float()
    assert torch.equal(state['roi_head.mask_head.upsample.weight'], expected)


def test_mmdet_pointrend_is_complete() -> None:
    model = config('mask_rcnn').model.copy()
    model.type = 'PointRend'
    model.roi_head = {
        **model.roi_head,
        'type': 'PointRendRoIHead',
        'mask_roi_extractor': {
            'type': 'GenericRoIExtractor',
            'aggregation': 'concat',
            'roi_layer': {'type': 'SimpleRoIAlign', 'output_size': 14},
            'out_channels': 256,
            'featmap_strides': [4],
        },
        'mask_head': {
            'type': 'CoarseMaskHead',
            'num_fcs': 2,
            'in_channels': 256,
            'conv_out_channels': 256,
            'fc_out_channels': 1024,
            'num_classes': 80,
        },
        'point_head': {'type': 'MaskPointHead', 'num_classes': 80},
    }
    conversion = convert(build(model, 'mmdet').state_dict(), target('pointrend'))
    assert conversion.renamed.family == 'mmdet'
    assert conversion.filled == []
    build_ours('pointrend').load_state_dict(conversion.state, strict=True, assign=True)


def test_mmseg_pointrend_is_complete() -> None:
    model = config('pointrend_semantic').model.copy()
    model.type = 'CascadeEncoderDecoder'
    model.decode_head = [
        model.decode_head[0],
        {
            'type': 'PointHead',
            'in_channels': [256],
            'in_index': [0],
            'channels': 256,
            'num_classes': 19,
            'coarse_pred_each_layer': False,
        },
    ]
    conversion = convert(build(model, 'mmseg').state_dict(), target('pointrend_semantic'))
    assert conversion.renamed.family == 'mmseg'
    assert conversion.filled == []
    ours = build_ours('pointrend_semantic')
    ours.load_state_dict(conversion.state, strict=True, assign=True)


def test_all_that_does_not_fit_is_listed_at_once() -> None:
    tensors = detectron2_tensors('pointrend')
    del tensors['roi_heads.box_head.fc1.bias']
    tensors['roi_heads.box_predictor.cls_score.bias'] = torch.zeros(9)
    tensors['roi_heads.box_head.conv1.weight'] = torch.zeros(2, 3)
    tensors['roi_heads.box_head.fc3.weight'] = torch.zeros(4)
    tensors['roi_heads.mask_coarse_head.prediction.bias'] = torch.zeros(5)
    first, *lines = problems(tensors, target('pointrend'), None, 'x.pkl')
    assert first.startswith('x.pkl: found 5 differences between its tensors (detectron2) and')
    box_head, coarse = 'roi_head.bbox_head', 'roi_heads.mask_head.coarse_head.prediction.bias'
    assert lines == [
        f'missing: {box_head}.shared_fcs.0.bias (1024,)',
        f'not in the model: roi_heads.box_head.fc3.weight -> {box_head}.shared_fcs.2.weight (4,)',
        f'twice: {coarse} and roi_heads.mask_coarse_head.prediction.bias are both '
        'roi_head.mask_head.coarse_head.prediction.bias',
        'unknown: roi_heads.box_head.conv1.weight (2, 3)',
        f'wrong shape: roi_heads.box_predictor.cls_score.bias -> {box_head}.fc_cls.bias: found '
        '(9,), the model has (81,)',
    ]


def test_checkpoint_of_another_depth() -> None:
    deeper = detectron2_tensors('pointrend')
    block = {key: value for key, value in deeper.items() if '.res4.5.' in key}
    deeper |= {key.replace('.res4.5.', '.res4.6.'): value for key, value in block.items()}
    lines = problems(deeper, target('pointrend'))[1:]
    assert len(lines) == len(block) == 15
    assert all(line.startswith('not in the model: ') for line in lines)


def test_checkpoint_of_another_method() -> None:
    lines = problems(detectron2_tensors('mask_rcnn'), target('pointrend'))[1:]
    kinds = [line.split(':')[0] for line in lines]
    assert kinds.count('missing') == 16
    assert kinds.count('not in the model') == 12
    assert len(kinds) == 28


def test_pixels_of_another_normalisation() -> None:
    tensors = detectron2_tensors('pointrend')
    tensors['pixel_mean'] = torch.tensor([103.53, 116.28, 123.675]).view(3, 1, 1)
    tensors['pixel_std'] = torch.ones(3, 1, 1)
    caffe = {'mean': [103.53, 116.28, 123.675], 'std': [1.0, 1.0, 1.0]}
    convert(tensors, target('pointrend'), caffe)
    torchvision = {'mean': [123.675, 116.28, 103.53], 'std': [58.395, 57.12, 57.375]}
    assert problems(tensors, target('pointrend'), torchvision)[1:] == [
        'other pixels: pixel_mean: found [103.53, 116.28, 123.675], data_preprocessor.mean of the '
        'model is [123.675, 116.28, 103.53]',
        'other pixels: pixel_std: found [1.0, 1.0, 1.0], data_preprocessor.std of the model is '
        '[58.395, 57.12, 57.375]',
    ]


@pytest.mark.parametrize(
    ('names', 'message'),
    [
        (['conv1_w', 'fc1000_b'], "'conv1_w', 'fc1000_b', as in no project known here"),
        (['roi_head.mask_head.coarse_head.fcs.0.weight'], "'roi_head', as in no project"),
        (['roi_heads.x', 'decode_head.1.fcs.0.x'], 'as in detectron2 and mmseg known here'),
    ],
)
def test_names_of_no_known_project(names: list[str], message: str) -> None:
    with pytest.raises(CheckpointError, match=rf'^x\.pkl: found tensors below .*{message}'):
        rename(dict.fromkeys(names, torch.zeros(1)), 'x.pkl')
