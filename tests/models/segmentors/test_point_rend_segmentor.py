import copy
import warnings

import pytest
import torch
from mmengine.config import ConfigDict

pytest.importorskip('mmseg')

from mmseg.models.segmentors import CascadeEncoderDecoder, SegTTAModel
from mmseg.structures import SegDataSample

from mmpointrend.models import PointRendSegmentor

from ..decode_heads.test_point_rend_decode_head import LOSS, SIGMOID_LOSS, samples

SIZE = (64, 96)
CHANNELS = [8, 16, 32, 64]
EVERY_LEVEL = {'in_channels': CHANNELS, 'in_index': [0, 1, 2, 3], 'channels': 8}
LAST_LEVEL = {'in_channels': CHANNELS[-1], 'in_index': 3, 'channels': 8}
ASPP = {**LAST_LEVEL, 'dilations': (1, 2)}
FCN = {'type': 'FCNHead', **LAST_LEVEL, 'num_convs': 1}
OCR = {'type': 'OCRHead', **LAST_LEVEL, 'ocr_channels': 8}
COARSE = {
    'fpn': [{'type': 'FPNHead', **EVERY_LEVEL, 'feature_strides': [4, 8, 16, 32]}],
    'fcn': [FCN],
    'aspp': [{'type': 'ASPPHead', **ASPP}],
    'separable-aspp': [
        {
            'type': 'DepthwiseSeparableASPPHead',
            **ASPP,
            'c1_in_channels': CHANNELS[0],
            'c1_channels': 4,
        }
    ],
    'uper': [{'type': 'UPerHead', **EVERY_LEVEL}],
    'segformer': [{'type': 'SegformerHead', **EVERY_LEVEL}],
    'fcn-ocr': [FCN, OCR],
}
every_coarse = pytest.mark.parametrize('coarse', COARSE)
BINARY = {'num_classes': 2, 'out_channels': 1, 'threshold': 0.5}


def point_head(**overrides):
    return {
        'type': 'mmpointrend.PointRendDecodeHead',
        'in_channels': CHANNELS[:2],
        'in_index': [0, 1],
        'point_head': {'type': 'mmpointrend.StandardPointHead', 'fc_channels': 16},
        'point_sampler': {'type': 'mmpointrend.UncertainPointSampler', 'num_points': 64},
        'loss_decode': LOSS,
        **overrides,
    }


def config(coarse='fpn', num_classes=5, align_corners=False, **test_cfg):
    common = {'loss_decode': LOSS, 'align_corners': align_corners}
    heads = [{**head, **common} for head in COARSE[coarse]]
    heads[0]['num_classes'] = num_classes
    return copy.deepcopy(
        {
            'num_stages': len(heads) + 1,
            'backbone': {'type': 'ResNet', 'depth': 18, 'base_channels': 8, 'style': 'pytorch'},
            'decode_head': [*heads, point_head(align_corners=align_corners)],
            'data_preprocessor': {'type': 'mmseg.SegDataPreProcessor', 'size_divisor': 32},
            'test_cfg': {'mode': 'whole', 'subdivision_num_points': 200, **test_cfg},
        }
    )


def binary_config():
    cfg = config()
    cfg['decode_head'][0].update(BINARY)
    for head in cfg['decode_head']:
        head['loss_decode'] = SIGMOID_LOSS
    return cfg


def build(cfg):
    torch.manual_seed(0)
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        model = PointRendSegmentor(**{**cfg, 'test_cfg': ConfigDict(cfg['test_cfg'])})
        model.init_weights()
    # Like a trained one, it disagrees with the coarse map.
    torch.nn.init.normal_(model.decode_head[-1].point_head.predictor.weight)
    return model


def images(num_images=1, size=SIZE):
    return torch.randn(num_images, 3, *size, generator=torch.Generator().manual_seed(0))


def predict(model, inputs, **metainfo):
    size = tuple(inputs.shape[2:])
    data = [
        SegDataSample(metainfo={'img_shape': size, 'ori_shape': size, **metainfo}) for _ in inputs
    ]
    with torch.no_grad():
        return model.eval().predict(inputs, data)


@every_coarse
@pytest.mark.parametrize('align_corners', [False, True])
def test_training_after_any_decode_head(coarse, align_corners):
    model = build(config(coarse, align_corners=align_corners)).train()
    labels = torch.randint(5, (2, *SIZE))
    labels[:, :20] = 255
    losses = model.loss(images(2), samples(labels))
    last = len(model.decode_head) - 1
    assert losses[f'decode_{last}.loss_ce'] > 0
    sum(value for key, value in losses.items() if 'loss' in key).backward()
    assert [key for key, value in model.named_parameters() if value.grad is None] == []


@every_coarse
@pytest.mark.parametrize('align_corners', [False, True])
@pytest.mark.parametrize('size', [SIZE, (65, 97), (50, 70)])
def test_prediction_after_any_decode_head(coarse, align_corners, size):
    model = build(config(coarse, align_corners=align_corners))
    inputs = images(size=size)
    (refined,) = predict(model, inputs)
    assert refined.seg_logits.data.shape == (5, *size)
    model.test_cfg.subdivision_steps = 0
    (unrefined,) = predict(model, inputs)
    # At least the last step refined its points.
    assert (refined.seg_logits.data != unrefined.seg_logits.data).any(0).sum() >= 200
    assert torch.isfinite(refined.seg_logits.data).all()


def test_slide_mode_is_whole_mode_when_the_window_covers_the_image():
    model = build(config())
    (whole,) = predict(model, images())
    model.test_cfg.update(mode='slide', crop_size=SIZE, stride=SIZE)
    (slide,) = predict(model, images())
    assert torch.equal(whole.seg_logits.data, slide.seg_logits.data)


@pytest.mark.parametrize('steps', [None, 2])
def test_slide_mode_refines_every_window(steps):
    model = build(config(subdivision_steps=steps))
    model.test_cfg.update(mode='slide', crop_size=(64, 48), stride=(64, 48))
    inputs = images()
    (slide,) = predict(model, inputs)
    model.test_cfg.mode = 'whole'
    windows = [predict(model, part)[0].seg_logits.data for part in inputs.split(48, 3)]
    assert torch.equal(slide.seg_logits.data, torch.cat(windows, 2))


def test_padded_images_are_cut_to_their_size():
    model = build(config())
    inputs = images(size=(64, 96))
    data = SegDataSample(
        metainfo={
            'img_shape': (50, 70),
            'ori_shape': (50, 70),
            'pad_shape': SIZE,
            'img_padding_size': (0, 26, 0, 14),
        }
    )
    with torch.no_grad():
        (found,) = model.eval().predict(inputs, [data])
    (whole,) = predict(model, inputs)
    expected = whole.seg_logits.data[:, :50, :70]
    torch.testing.assert_close(found.seg_logits.data, expected)


def test_tensor_mode():
    model = build(config()).eval()
    with torch.no_grad():
        assert model(images(), mode='tensor').shape == (1, 5, *SIZE)


def views(image):
    """An image and its mirror image, as a test pipeline packs them."""
    metainfo = {
        'img_shape': SIZE,
        'ori_shape': SIZE,
        'img_path': '',
        'flip_direction': 'horizontal',
    }
    return {
        'inputs': [[image], [image.flip(2)]],
        'data_samples': [
            [SegDataSample(metainfo={**metainfo, 'flip': flip})] for flip in (False, True)
        ],
    }


@pytest.mark.parametrize('mode', ['whole', 'slide'])
@pytest.mark.parametrize('binary', [False, True])
def test_test_time_augmentation_averages_probabilities(mode, binary):
    model = build(binary_config() if binary else config())
    model.test_cfg.update(mode=mode, crop_size=(64, 48), stride=(64, 48))
    image = images()[0]
    (merged,) = SegTTAModel(module=model.eval()).test_step(views(image))
    (straight,) = predict(model, image[None])
    (mirrored,) = predict(model, image[None].flip(3))
    logits = torch.stack([straight.seg_logits.data, mirrored.seg_logits.data.flip(2)])
    if binary:
        expected = logits.sigmoid().mean(0)[0] > BINARY['threshold']
        assert 0 < expected.sum() < expected.numel()
    else:
        expected = logits.softmax(1).mean(0).argmax(0)
    assert torch.equal(merged.pred_sem_seg.data.view(SIZE).long(), expected.long())


def test_mmseg_cascade_does_too():
    cfg = config()
    for head in cfg['decode_head']:
        head['num_classes'] = 5
    ours = build(cfg)
    theirs = CascadeEncoderDecoder(**{**cfg, 'test_cfg': ConfigDict(cfg['test_cfg'])})
    theirs.load_state_dict(ours.state_dict())
    found, expected = (predict(model, images())[0].seg_logits.data for model in (theirs, ours))
    assert torch.equal(found, expected)


def test_one_output_channel_trains():
    model = build(binary_config()).train()
    labels = torch.randint(2, (2, *SIZE))
    losses = model.loss(images(2), samples(labels))
    sum(value for key, value in losses.items() if 'loss' in key).backward()
    assert losses['decode_1.loss_ce'] > 0
    assert [key for key, value in model.named_parameters() if value.grad is None] == []


def test_one_output_channel_trains_on_a_batch_that_is_all_ignore():
    model = build(binary_config()).train()
    data = samples(torch.full((2, *SIZE), 255))
    losses = model.loss(images(2), data)
    total = sum(value for key, value in losses.items() if 'loss' in key)
    total.backward()
    assert total == 0
    assert [key for key, value in model.named_parameters() if value.grad is None] == []
    assert all((sample.gt_sem_seg.data == 255).all() for sample in data)


@pytest.mark.parametrize('threshold', [0.5, 0.55])
def test_one_output_channel_predicts(threshold):
    cfg = binary_config()
    cfg['decode_head'][0]['threshold'] = threshold
    (found,) = predict(build(cfg), images())
    assert found.seg_logits.data.shape == (1, *SIZE)
    expected = found.seg_logits.data.sigmoid() > threshold
    assert torch.equal(found.pred_sem_seg.data.bool(), expected)
    assert 0 < expected.sum() < expected.numel()


@pytest.mark.parametrize('several', [False, True])
def test_classes_are_written_once(several):
    cfg = binary_config()
    auxiliary = {**FCN, 'loss_decode': SIGMOID_LOSS}
    model = build({**cfg, 'auxiliary_head': [auxiliary] * 2 if several else auxiliary})
    auxiliary = list(model.auxiliary_head) if several else [model.auxiliary_head]
    for head in (*model.decode_head, *auxiliary):
        assert {name: getattr(head, name) for name in BINARY} == BINARY


@pytest.mark.parametrize('key', [*BINARY, 'align_corners', 'ignore_index'])
def test_heads_that_disagree(key):
    cfg = binary_config()
    cfg['decode_head'][1][key] = 7
    with pytest.raises(ValueError, match=rf'decode_head\[1\]\.{key} is 7, but decode_head\[0\]'):
        build(cfg)


def test_other_classes_of_an_auxiliary_head():
    auxiliary = {**FCN, 'num_classes': 4}
    with pytest.raises(ValueError, match=r'auxiliary_head\.num_classes is 4'):
        build({**config(), 'auxiliary_head': auxiliary})


@pytest.mark.parametrize(
    ('wrong', 'message'),
    [
        (FCN, r'decode_head: found \{.*expected a list'),
        ([FCN], r'decode_head: found \[.*expected a list'),
        ([FCN, point_head()], r'decode_head\[0\]\.num_classes is missing'),
    ],
)
def test_a_wrong_list_of_heads(wrong, message):
    with pytest.raises(ValueError, match=message):
        build({**config(), 'decode_head': wrong})


@pytest.mark.parametrize('wrong', [{'in_channels': 8}, {'in_index': 1}, {'in_index': [1]}], ids=str)
def test_wrong_lists_of_maps(wrong):
    cfg = config()
    cfg['decode_head'][-1].update(wrong)
    with pytest.raises(ValueError, match=r'decode_head: found in_channels .* expected a list'):
        build(cfg)


@pytest.mark.parametrize(
    ('wrong', 'found'),
    [({'in_channels': [8, 17]}, r'\[8, 16\]'), ({'in_index': [0, 9]}, r'\[8, None\]')],
    ids=str,
)
def test_maps_that_are_not_there(wrong, found):
    cfg = config()
    cfg['decode_head'][-1].update(wrong)
    with pytest.raises(ValueError, match=rf'decode_head\.in_channels is .* of 4 have {found}'):
        predict(build(cfg), images())
