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
from mmdet.registry import DATASETS
from mmengine.config import Config
from mmengine.registry import DefaultScope

from ..conftest import TOY_CONFIG

ROOT = Path(__file__).parents[3]
MASK_DATASET = ROOT / 'configs/_base_/datasets/toy_masks.py'
NUM_IMAGES = 3
ENVIRONMENT = os.environ | {
    'PYTHONPATH': str(ROOT),
    'OMP_NUM_THREADS': '1',
    'CUDA_VISIBLE_DEVICES': '-1',
}


@pytest.fixture(scope='module')
def toy(toy_files: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Toy images with points, and a checkpoint."""
    folder = tmp_path_factory.mktemp('points')
    for path in toy_files.iterdir():
        (folder / path.name).symlink_to(path)
    sample = ROOT / 'tools/dataset_tools/sample_points.py'
    masks = folder / 'data/toy/annotations/instances_train.json'
    command = [sys.executable, sample, masks, folder / 'points.json', '--num-points', '10']
    subprocess.run(command, check=True, env=ENVIRONMENT)
    return folder


@pytest.fixture
def pseudo_masks(
    run: Callable[..., None], toy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., dict]:
    """Run the script in this process and read what it writes."""
    monkeypatch.chdir(tmp_path)

    def run_script(
        *options: object,
        config: Path = TOY_CONFIG,
        checkpoint: Path = toy / 'model.pth',
        points: Path = toy / 'points.json',
    ) -> dict:
        images = ('--images', toy / 'data/toy/train', '--workers', 0, '--batch-size', 2)
        run(config, checkpoint, points, 'out.json', *images, *options)
        return json.loads(Path('out.json').read_text())

    return run_script


@pytest.fixture
def changed_points(toy: Path, tmp_path: Path) -> Callable[[Callable[[dict], object]], Path]:
    """Write the toy points in another way."""

    def write(change: Callable[[dict], object]) -> Path:
        data = json.loads((toy / 'points.json').read_text())
        change(data)
        (tmp_path / 'changed.json').write_text(json.dumps(data))
        return tmp_path / 'changed.json'

    return write


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
    paths = (TOY_CONFIG, toy / 'model.pth', toy / 'points.json', tmp_path / 'out.json')
    options = ('--images', toy / 'data/toy/train', '--workers', 0, '--launcher', 'pytorch')
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


def make_crowd(data: dict) -> None:
    crowd = data['annotations'][0]
    del crowd['point_coords'], crowd['point_labels']
    crowd['iscrowd'] = 1


def test_mask_configs_load_a_crowd_as_its_box(
    pseudo_masks: Callable[..., dict], changed_points: Callable[..., Path], toy: Path
) -> None:
    crowd = pseudo_masks(points=changed_points(make_crowd))['annotations'][0]
    cfg = Config.fromfile(MASK_DATASET).train_dataloader.dataset
    cfg.update(data_root=str(toy / 'data/toy'), ann_file=str(Path('out.json').absolute()))
    cfg.pipeline = cfg.pipeline[:2]
    with DefaultScope.overwrite_default_scope('mmdet'):
        (loaded,) = (item for item in DATASETS.build(cfg) if item['img_id'] == crowd['image_id'])
    x, y, w, h = map(int, crowd['bbox'])
    expected = np.zeros(loaded['ori_shape'], np.uint8)
    expected[y : y + h, x : x + w] = 1
    np.testing.assert_array_equal(loaded['gt_masks'].masks[0], expected)
    assert loaded['gt_ignore_flags'].tolist() == [True] + [False] * (len(loaded['gt_masks']) - 1)


def test_a_crowd_with_a_mask_keeps_it(
    pseudo_masks: Callable[..., dict], changed_points: Callable[..., Path]
) -> None:
    def change(data: dict) -> None:
        make_crowd(data)
        data['annotations'][0]['segmentation'] = {'size': [9, 9], 'counts': [81]}

    points = changed_points(change)
    before = json.loads(points.read_text())['annotations'][0]
    assert pseudo_masks(points=points)['annotations'][0] == before


def test_a_crowd_without_a_box_is_an_error(
    pseudo_masks: Callable[..., dict], changed_points: Callable[..., Path]
) -> None:
    def change(data: dict) -> None:
        make_crowd(data)
        data['annotations'][0]['bbox'] = [1, 2, 3]

    with pytest.raises(SystemExit, match=r'changed\.json: annotation \d+: found bbox \[1, 2, 3\]'):
        pseudo_masks(points=changed_points(change))


@pytest.mark.parametrize('options', [(), ('--keep-points',)])
def test_the_file_says_what_drew_the_masks(
    pseudo_masks: Callable[..., dict], options: tuple[str, ...]
) -> None:
    assert pseudo_masks(*options)['info']['history'][-1] == {
        'tool': 'pseudo_masks',
        'config': TOY_CONFIG.name,
        'checkpoint': 'model.pth',
        'keep_points': bool(options),
    }


def test_an_image_of_another_size_is_an_error(
    pseudo_masks: Callable[..., dict], changed_points: Callable[..., Path]
) -> None:
    def change(data: dict) -> None:
        data['images'][1]['width'] += 1

    points = changed_points(change)
    width, height = (
        json.loads(points.read_text())['images'][1][key] for key in ('width', 'height')
    )
    message = (
        rf'changed\.json: found image 2 of {width} x {height} pixels, '
        f'expected the {width - 1} x {height} that it has'
    )
    with pytest.raises(SystemExit, match=message):
        pseudo_masks(points=points)


def use_addresses(data: dict) -> None:
    """Name the images as LVIS v1 does."""
    for image in data['images']:
        image['coco_url'] = f'http://images.cocodataset.org/train/{image.pop("file_name")}'


def test_images_of_lvis_are_found_by_their_address(
    pseudo_masks: Callable[..., dict], changed_points: Callable[..., Path], toy: Path
) -> None:
    options = ('--images', toy / 'data/toy')
    annotations = pseudo_masks(*options, points=changed_points(use_addresses))['annotations']
    assert all('segmentation' in ann for ann in annotations)


def no_name(data: dict) -> None:
    del data['images'][2]['file_name']


def other_name(data: dict) -> None:
    data['images'][2]['file_name'] = 'none.png'


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (no_name, r'changed\.json: found image 3 with file_name None and coco_url None'),
        (other_name, r'data/toy/train: found no none\.png, expected image 3 of .*changed\.json'),
    ],
)
def test_missing_images_are_an_error_before_the_work(
    pseudo_masks: Callable[..., dict],
    changed_points: Callable[..., Path],
    script: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
    change: Callable[[dict], None],
    message: str,
) -> None:
    monkeypatch.setattr(script, 'Runner', None)
    with pytest.raises(SystemExit, match=message):
        pseudo_masks(points=changed_points(change))


@pytest.mark.parametrize(('option', 'value'), [('--batch-size', 0), ('--workers', -1)])
def test_numbers_out_of_range_are_refused(
    pseudo_masks: Callable[..., dict], capsys: pytest.CaptureFixture, option: str, value: int
) -> None:
    with pytest.raises(SystemExit):
        pseudo_masks(option, value)
    assert f'{option}: found {value}, expected' in capsys.readouterr().err


@pytest.mark.parametrize('content', [b'no checkpoint', b'\x80\x02]q\0.'])
def test_a_file_that_is_no_checkpoint_is_named(
    pseudo_masks: Callable[..., dict], tmp_path: Path, content: bytes
) -> None:
    (tmp_path / 'no.pth').write_bytes(content)
    with pytest.raises(SystemExit, match=r'error: .*no\.pth: found no checkpoint \(.*\)$'):
        pseudo_masks(checkpoint=tmp_path / 'no.pth')


def test_a_one_stage_model_is_refused(
    pseudo_masks: Callable[..., dict], changed_points: Callable[..., Path]
) -> None:
    def change(data: dict) -> None:
        data['categories'] = [{**category, 'name': 'nucleus'} for category in data['categories']]

    one_stage = ROOT / 'configs/point_sup/condinst_r18-small_fpn_p10_24e_nuclei.py'
    with pytest.raises(SystemExit, match=r'error: found a CondInst, expected a two-stage model'):
        pseudo_masks(config=one_stage, points=changed_points(change))


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
        run(TOY_CONFIG, toy / 'model.pth', points, points, '--force')
    assert 'found the input, expected another file to write' in capsys.readouterr().err


def test_unknown_category_is_an_error(
    pseudo_masks: Callable[..., dict], changed_points: Callable[..., Path]
) -> None:
    def change(data: dict) -> None:
        data['categories'][1]['name'] = 'cat'

    with pytest.raises(
        SystemExit, match=r"changed\.json: found categories \['cat'\], expected those"
    ):
        pseudo_masks(points=changed_points(change))
