"""The command that converts a checkpoint; what is converted is tested with the package."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from ...checkpoints.synthetic import detectron2_tensors

CONFIGS = Path(__file__).parents[3] / 'configs' / 'point_sup'
CAFFE = CONFIGS / 'mask-rcnn_r50-caffe_fpn_p10_3x_coco.py'
TORCHVISION = CONFIGS / 'mask-rcnn_r50_fpn_p10_3x_coco.py'


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    """Mask R-CNN of detectron2; expanded tensors make a small file."""
    tensors = detectron2_tensors('mask_rcnn')
    tensors['pixel_mean'] = torch.tensor([103.53, 116.28, 123.675]).view(3, 1, 1)
    tensors['pixel_std'] = torch.ones(3, 1, 1)
    path = tmp_path / 'model_final.pth'
    torch.save({'model': tensors, 'optimizer': {}, 'iteration': 9}, path)
    return path


def test_writes_a_checkpoint_that_says_where_it_comes_from(
    run: Callable, checkpoint: Path, tmp_path: Path
) -> None:
    out = tmp_path / 'new' / 'out.pth'
    run(CAFFE, checkpoint, out)
    content = torch.load(out, weights_only=True)
    assert len(content['state_dict']) == 360
    assert content['state_dict']['roi_head.bbox_head.fc_cls.weight'].shape == (81, 1024)
    meta = content['meta']
    assert meta['converted_from'] == {
        'file': 'model_final.pth',
        'sha256': hashlib.sha256(checkpoint.read_bytes()).hexdigest(),
        'family': 'detectron2',
    }
    assert meta['config'] == CAFFE.name
    assert meta['dataset_meta']['classes'][:2] == ('person', 'bicycle')


def test_reports_what_became_of_every_tensor(
    run: Callable, checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    run(CAFFE, checkpoint, tmp_path / 'out.pth')
    lines = capsys.readouterr().out.splitlines()
    anchors = ', '.join(f'proposal_generator.anchor_generator.cell_anchors.{i}' for i in range(5))
    assert lines == [
        f'Reading {checkpoint}',
        'detectron2: 314 tensors',
        '  307 converted, 0 of them to another shape',
        '  2 dropped: pixel_mean, pixel_std (data_preprocessor of the config normalises pixels)',
        f'  5 dropped: {anchors} (anchor_generator of the config makes anchors)',
        '  53 not in the file, set to 0: num_batches_tracked',
        '  beside the tensors of the model, left out: optimizer, iteration',
        f'Wrote {tmp_path / "out.pth"}',
    ]


def test_config_of_other_pixels_is_an_error_and_nothing_is_written(
    run: Callable, checkpoint: Path, tmp_path: Path
) -> None:
    with pytest.raises(SystemExit) as caught:
        run(TORCHVISION, checkpoint, tmp_path / 'out.pth')
    assert str(caught.value).startswith(f'error: {checkpoint}: found 2 differences')
    assert 'pixel_mean: found [103.53, 116.28, 123.675]' in str(caught.value)
    assert list(tmp_path.iterdir()) == [checkpoint]


def test_file_that_is_no_checkpoint_is_named_once(run: Callable, tmp_path: Path) -> None:
    path = tmp_path / 'x.pkl'
    path.write_bytes(b'<html>')
    with pytest.raises(SystemExit) as caught:
        run(CAFFE, path, tmp_path / 'out.pth')
    assert str(caught.value).startswith(f'error: {path}: found no complete checkpoint')
    assert str(caught.value).count('x.pkl') == 1


def test_existing_output_needs_force(
    run: Callable, checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    out = tmp_path / 'out.pth'
    out.write_bytes(b'old')
    with pytest.raises(SystemExit):
        run(CAFFE, checkpoint, out)
    assert 'out.pth: exists already; --force replaces it' in capsys.readouterr().err
    assert out.read_bytes() == b'old'
    run(CAFFE, checkpoint, out, '--force')
    assert torch.load(out, weights_only=True).keys() == {'meta', 'state_dict'}


@pytest.mark.parametrize('missing', ['config', 'checkpoint'])
def test_missing_files_are_named(
    run: Callable, tmp_path: Path, capsys: pytest.CaptureFixture, missing: str
) -> None:
    none = tmp_path / 'none.x'
    with pytest.raises(SystemExit):
        run(*(none, CAFFE) if missing == 'config' else (CAFFE, none), tmp_path / 'out.pth')
    assert 'none.x: no such file' in capsys.readouterr().err
