"""Masks of annotated boxes, predicted by a model without training."""

import copy
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pycocotools.mask as mask_api
import pytest
import torch
from mmdet.registry import MODELS
from mmengine.config import Config
from mmengine.registry import DefaultScope

ROOT = Path(__file__).parents[3]
CONFIG = ROOT / 'configs/implicit_pointrend/implicit-pointrend_r18-small_fpn_p10_5e_toy.py'
NUM_IMAGES = 3
ENVIRONMENT = os.environ | {
    'PYTHONPATH': str(ROOT),
    'OMP_NUM_THREADS': '1',
    'CUDA_VISIBLE_DEVICES': '-1',
}


@pytest.fixture(scope='module')
def toy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Toy images with points, and a checkpoint."""
    folder = tmp_path_factory.mktemp('toy')
    tools = ROOT / 'tools/dataset_tools'
    sizes = ('--num-train', NUM_IMAGES, '--num-val', 1)
    masks, points = folder / 'data/annotations/instances_train.json', folder / 'points.json'
    for command in (
        (tools / 'make_toy_dataset.py', folder / 'data', *sizes),
        (tools / 'sample_points.py', masks, points, '--num-points', 10),
    ):
        subprocess.run([sys.executable, *map(str, command)], check=True, env=ENVIRONMENT)
    torch.manual_seed(0)
    with DefaultScope.overwrite_default_scope('mmdet'):
        model = MODELS.build(Config.fromfile(CONFIG).model)
        model.init_weights()
    torch.save({'state_dict': model.state_dict(), 'meta': {}}, folder / 'model.pth')
    return folder


@pytest.fixture
def pseudo_masks(
    run: Callable[..., None], toy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., dict]:
    """Run the script in this process and read what it writes."""
    monkeypatch.chdir(tmp_path)

    def run_script(*options: object, points: Path | None = None) -> dict:
        images = ('--images', toy / 'data/train', '--workers', 0, '--batch-size', 2)
        run(CONFIG, toy / 'model.pth', points or toy / 'points.json', 'out.json', *images, *options)
        return json.loads(Path('out.json').read_text())

    return run_script


def test_every_annotated_object_gets_a_mask_and_keeps_the_rest(
    pseudo_masks: Callable[..., dict], toy: Path, tmp_path: Path
) -> None:
    before, after = json.loads((toy / 'points.json').read_text()), pseudo_masks()
    sizes = {image['id']: [image['height'], image['width']] for image in before['images']}
    assert len(after['annotations']) == len(before['annotations'])
    for old, new in zip(before['annotations'], after['annotations'], strict=True):
        assert new['segmentation']['size'] == sizes[old['image_id']]
        assert new['area'] > 0
        assert {key: new[key] for key in old if key != 'area'} == {
            key: value for key, value in old.items() if key != 'area'
        }
    assert sorted(path.name for path in tmp_path.iterdir()) == ['out.json', 'work_dirs']


def test_masks_lie_in_their_boxes(pseudo_masks: Callable[..., dict]) -> None:
    shares = []
    for ann in pseudo_masks()['annotations']:
        mask = mask_api.decode(ann['segmentation'])
        x, y, w, h = ann['bbox']
        ys, xs = np.nonzero(mask)
        assert ((xs + 1 >= x) & (xs <= x + w) & (ys + 1 >= y) & (ys <= y + h)).all()
        shares.append(mask.any())
    assert any(shares)


def test_labelled_points_stay_true(pseudo_masks: Callable[..., dict]) -> None:
    wrong = {}
    for option in ([], ['--keep-points', '--force']):
        wrong[len(option)] = 0
        for ann in pseudo_masks(*option)['annotations']:
            x, y = np.array(ann['point_coords']).T
            at_points = mask_api.decode(ann['segmentation'])[y, x]
            wrong[len(option)] += int((at_points != ann['point_labels']).sum())
    assert wrong[0] > 0
    assert wrong[2] == 0


def test_two_processes_share_the_images(toy: Path, tmp_path: Path) -> None:
    script = ROOT / 'tools/dataset_tools/pseudo_masks.py'
    paths = (CONFIG, toy / 'model.pth', toy / 'points.json', tmp_path / 'out.json')
    options = ('--images', toy / 'data/train', '--workers', 0, '--launcher', 'pytorch')
    launch = ('-m', 'torch.distributed.run', '--standalone', '--nproc_per_node', 2)
    command = [sys.executable, *launch, script, *paths, *options]
    result = subprocess.run(
        [*map(str, command)], cwd=tmp_path, env=ENVIRONMENT, capture_output=True, text=True
    )
    assert result.returncode == 0, result.stderr[-3000:]
    annotations = json.loads((tmp_path / 'out.json').read_text())['annotations']
    assert all('segmentation' in ann for ann in annotations)


def test_interrupted_work_continues(
    pseudo_masks: Callable[..., dict], script: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    predicted = []
    original = script.predict_box_masks

    def interrupted(model, batch, *args):
        if predicted:
            raise KeyboardInterrupt
        predicted.append(len(batch['data_samples']))
        return original(model, batch, *args)

    monkeypatch.setattr(script, 'predict_box_masks', interrupted)
    with pytest.raises(KeyboardInterrupt):
        pseudo_masks()
    assert not Path('out.json').exists()

    def counted(model, batch, *args):
        predicted.append(len(batch['data_samples']))
        return original(model, batch, *args)

    monkeypatch.setattr(script, 'predict_box_masks', counted)
    annotations = pseudo_masks()['annotations']
    assert predicted == [2, NUM_IMAGES - 2]
    assert all('segmentation' in ann for ann in annotations)


def test_crowds_stay_as_they_are(pseudo_masks: Callable[..., dict], toy: Path) -> None:
    data = json.loads((toy / 'points.json').read_text())
    crowd = data['annotations'][0]
    crowd['iscrowd'] = 1
    Path('crowd.json').write_text(json.dumps(data))
    assert pseudo_masks(points=Path('crowd.json'))['annotations'][0] == crowd


def test_object_with_an_empty_mask_keeps_an_area(script: ModuleType) -> None:
    ann = {'id': 1, 'image_id': 2, 'category_id': 3, 'bbox': [1, 1, 4, 5]}
    masked = script.with_mask(copy.deepcopy(ann), np.zeros((8, 9), bool), keep_points=False)
    assert mask_api.area(masked['segmentation']) == 0
    assert masked['area'] == 20


def test_the_input_is_never_replaced(
    run: Callable[..., None], toy: Path, capsys: pytest.CaptureFixture
) -> None:
    points = toy / 'points.json'
    with pytest.raises(SystemExit):
        run(CONFIG, toy / 'model.pth', points, points, '--force')
    assert 'found the input, expected another file to write' in capsys.readouterr().err


def test_unknown_category_is_an_error(pseudo_masks: Callable[..., dict], toy: Path) -> None:
    data = json.loads((toy / 'points.json').read_text())
    data['categories'][1]['name'] = 'cat'
    Path('cat.json').write_text(json.dumps(data))
    with pytest.raises(SystemExit, match=r"cat\.json: found categories \['cat'\], expected those"):
        pseudo_masks(points=Path('cat.json'))
