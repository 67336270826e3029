"""The configs in configs/point_sup/transfer: what they learn from, and what they start from."""

import re

import pytest
import torch
from mmdet.registry import MODELS
from mmengine.config import Config
from mmengine.runner.checkpoint import load_checkpoint

from .catalogue import PATHS, ROOT, load

TRANSFER = sorted((ROOT / 'point_sup' / 'transfer').glob('*.py'))
NAME = re.compile(
    r'(?P<model>mask-rcnn_r50_fpn)_(?P<supervision>masks|p10)'
    r'_(?P<number>\d+)(?P<unit>[xk])-from-coco-(?P<start>masks|p10)_(?P<dataset>cityscapes|lvis)'
)
every_config = pytest.mark.parametrize('path', TRANSFER, ids=lambda path: path.stem)


def fields(path):
    return NAME.fullmatch(path.stem).groupdict()


def test_every_supervision_starts_from_both():
    found = {
        tuple(fields(path)[key] for key in ('dataset', 'supervision', 'start')) for path in TRANSFER
    }
    both = ('masks', 'p10')
    assert found == {
        (dataset, own, start)
        for dataset in ('cityscapes', 'lvis')
        for own in both
        for start in both
    }


@every_config
def test_start_is_the_last_checkpoint_of_a_config(path):
    folder, name = load(path).load_from.removeprefix('work_dirs/').split('/')
    (start,) = (other for other in PATHS if other.stem == folder)
    expected = f'{fields(path)["model"]}_{fields(path)["start"]}_3x_coco'
    assert folder == expected
    assert name == f'epoch_{load(start).train_cfg.max_epochs}.pth'


@every_config
def test_model_is_built(path):
    with torch.device('meta'):
        model = MODELS.build(load(path).model)
    num_classes = {'cityscapes': 8, 'lvis': 1203}[fields(path)['dataset']]
    heads = (model.roi_head.bbox_head, model.roi_head.mask_head)
    assert [head.num_classes for head in heads] == [num_classes] * 2


@every_config
def test_supervision_dataset_and_schedule(path):
    cfg, name = load(path), fields(path)
    dataset = cfg.train_dataloader.dataset
    dataset = dataset.get('dataset', dataset)
    from_points = name['supervision'] == 'p10'
    assert dataset.data_root == f'data/{name["dataset"]}/'
    assert dataset.ann_file.endswith('_p10.json') == from_points
    assert ('mmpointrend.LoadPointAnnotations' in str(dataset.pipeline)) == from_points
    length = cfg.train_cfg.get('max_epochs', cfg.train_cfg.get('max_iters'))
    assert length == int(name['number']) * {'x': 12, 'k': 1000}[name['unit']]


@every_config
def test_number_of_classes_is_that_of_the_dataset(path):
    expected = {'cityscapes': 8, 'lvis': 1203}[fields(path)['dataset']]
    assert load(path).model.roi_head.bbox_head.num_classes == expected


@every_config
def test_weights_are_loaded_once(path):
    assert load(path).model.backbone.init_cfg is None


def test_all_but_the_last_layers_come_from_another_number_of_classes(tmp_path):
    def build(num_classes):
        (path,) = (p for p in PATHS if p.stem == 'mask-rcnn_r18-small_fpn_masks_24e_nuclei')
        cfg = Config(load(path).model.to_dict())
        cfg.roi_head.bbox_head.num_classes = num_classes
        return MODELS.build(cfg)

    start, model = build(5), build(3)
    for parameter in start.parameters():
        torch.nn.init.normal_(parameter)
    torch.save({'state_dict': start.state_dict()}, tmp_path / 'start.pth')
    load_checkpoint(model, str(tmp_path / 'start.pth'), map_location='cpu')
    given = start.state_dict()
    kept = {key for key, value in model.state_dict().items() if not torch.equal(value, given[key])}
    assert {key.rpartition('.')[0] for key in kept} == {
        'roi_head.bbox_head.fc_cls',
        'roi_head.bbox_head.fc_reg',
        'roi_head.mask_head.conv_logits',
    }
