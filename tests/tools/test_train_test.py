"""Training with two CPU processes, resuming, and test, as a user runs them."""

import json
import os
import pickle
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch

ROOT = Path(__file__).resolve().parents[2]
CONFIG = ROOT / 'configs/implicit_pointrend/implicit-pointrend_r18-small_fpn_p10_5e_toy.py'
NUM_TRAIN, NUM_VAL = 4, 2
SMALL = (
    '--cfg-options',
    'train_cfg.val_interval=10',
    'default_hooks.logger.interval=1',
    'train_dataloader.batch_size=1',
    *(f'{kind}_dataloader.num_workers=0' for kind in ('train', 'val', 'test')),
    *(f'{kind}_dataloader.persistent_workers=False' for kind in ('train', 'val', 'test')),
)


def run(folder: Path, *command: str | Path) -> None:
    with socket.socket() as free:
        free.bind(('127.0.0.1', 0))
        port = free.getsockname()[1]
    environment = os.environ | {
        'CUDA_VISIBLE_DEVICES': '-1',
        'OMP_NUM_THREADS': '1',
        'PYTHON': sys.executable,
        'PYTHONPATH': str(ROOT),
        'PORT': str(port),
    }
    result = subprocess.run(
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    assert result.returncode == 0, result.stdout.decode()[-4000:]


@pytest.fixture(scope='module')
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where two processes trained for one epoch on a few images with points."""
    folder = tmp_path_factory.mktemp('training')
    tools = ROOT / 'tools/dataset_tools'
    sizes = ('--num-train', str(NUM_TRAIN), '--num-val', str(NUM_VAL))
    run(folder, sys.executable, tools / 'make_toy_dataset.py', 'data/toy', *sizes)
    annotations = folder / 'data/toy/annotations'
    masks, points = (annotations / f'instances_train{end}.json' for end in ('', '_p10'))
    run(folder, sys.executable, tools / 'sample_points.py', masks, points, '--num-points', '10')
    train = ROOT / 'tools/dist_train.sh'
    run(folder, train, CONFIG, '2', '--work-dir', 'work', *SMALL, 'train_cfg.max_epochs=1')
    return folder


def test_processes_share_the_images(folder: Path) -> None:
    checkpoint = torch.load(folder / 'work/epoch_1.pth', weights_only=False)
    assert checkpoint['meta']['iter'] == NUM_TRAIN // 2
    assert all(torch.isfinite(value).all() for value in checkpoint['state_dict'].values())


def test_resumed_training_continues(folder: Path) -> None:
    train = (sys.executable, ROOT / 'tools/train.py', CONFIG, '--work-dir', 'work', '--resume')
    run(folder, *train, *SMALL, 'train_cfg.max_epochs=2')
    last_run = max(path for path in (folder / 'work').iterdir() if path.is_dir())
    (scalars,) = last_run.glob('vis_data/scalars.json')
    lines = [json.loads(line) for line in scalars.read_text().splitlines()]
    assert [line['epoch'] for line in lines if 'loss' in line] == [2] * NUM_TRAIN
    checkpoint = torch.load(folder / 'work/epoch_2.pth', weights_only=False)
    # One process makes twice the steps of two; the optimizer counts all of them.
    steps = {int(state['step']) for state in checkpoint['optimizer']['state'].values()}
    assert steps == {NUM_TRAIN // 2 + NUM_TRAIN}


def test_test_writes_predictions_and_pictures(folder: Path) -> None:
    test = (sys.executable, ROOT / 'tools/test.py', CONFIG, 'work/epoch_1.pth')
    outputs = ('--work-dir', 'test', '--out', 'predictions.pkl', '--show-dir', 'pictures')
    run(folder, *test, *outputs, *SMALL)
    predictions = pickle.loads((folder / 'predictions.pkl').read_bytes())
    assert [Path(p['img_path']).name for p in predictions] == sorted(
        path.name for path in (folder / 'data/toy/val').iterdir()
    )
    assert len(list(folder.glob('test/*/pictures/*.png'))) == NUM_VAL
