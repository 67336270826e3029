"""What each part of the package needs to be imported, checked in processes that lack the rest."""

import subprocess
import sys

import pytest

import mmpointrend

STACK = ('mmengine', 'mmcv', 'mmdet', 'mmseg')


def import_without(absent: tuple[str, ...], module: str) -> subprocess.CompletedProcess:
    code = f'import sys; sys.modules.update(dict.fromkeys({absent!r})); import {module}'
    return subprocess.run([sys.executable, '-c', code], capture_output=True, text=True)


def test_version_is_a_release_number() -> None:
    assert len([int(part) for part in mmpointrend.__version__.split('.')]) == 3


@pytest.mark.parametrize(
    ('module', 'absent'),
    [
        ('mmpointrend', (*STACK, 'torch', 'numpy', 'pycocotools')),
        ('mmpointrend.points', (*STACK, 'pycocotools', 'matplotlib', 'PIL', 'cv2')),
        ('mmpointrend.annotation', (*STACK, 'torch')),
        ('mmpointrend.checkpoints', (*STACK, 'pycocotools')),
        ('mmpointrend.evaluation', (*STACK, 'torch', 'pycocotools')),
        ('mmpointrend.models', ('mmseg',)),
    ],
)
def test_needs_no_more_than_it_says(module: str, absent: tuple[str, ...]) -> None:
    result = import_without(absent, module)
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize(
    'package',
    ['apis', 'datasets', 'engine', 'evaluation.metrics', 'models', 'registry', 'structures'],
)
def test_says_in_one_line_what_to_install(package: str) -> None:
    last_line = import_without(STACK, f'mmpointrend.{package}').stderr.strip().splitlines()[-1]
    assert last_line.startswith('RuntimeError: mmpointrend needs mmengine')
    assert 'pip install' in last_line


def test_mmseg_that_cannot_be_imported_is_reported_and_does_no_harm() -> None:
    pytest.importorskip('mmseg')
    # mmsegmentation imports ftfy without declaring it.
    result = import_without(('ftfy',), 'mmpointrend.models')
    assert result.returncode == 0, result.stderr
    assert 'No semantic segmentation: mmpointrend needs mmseg' in result.stderr
    assert 'ftfy' in result.stderr
