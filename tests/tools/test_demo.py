"""The demo from end to end, with so few images that nothing is learned."""

import sys
from pathlib import Path
from types import ModuleType

import cv2
import pytest


@pytest.fixture
def folder(script: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(script, 'NUM_TRAIN', 4)
    monkeypatch.setattr(script, 'NUM_VAL', 4)
    monkeypatch.setattr(sys, 'argv', ['demo.py', '--work-dir', 'results'])
    monkeypatch.setenv('OMP_NUM_THREADS', '1')
    monkeypatch.setenv('PYTHONPATH', str(script.ROOT))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_trains_evaluates_and_draws(
    script: ModuleType, folder: Path, capfd: pytest.CaptureFixture
) -> None:
    script.main()
    printed = capfd.readouterr().out
    assert 'Mask AP' in printed.splitlines()[-3]
    for name in ('points', 'predictions', 'subdivision'):
        picture = cv2.imread(str(folder / 'results' / f'{name}.png'))
        assert picture.std() > 10

    script.main()  # a second run finds a finished training
    assert 'Epoch(train)' not in capfd.readouterr().out


def test_a_failing_command_ends_it(script: ModuleType, folder: Path) -> None:
    (folder / 'data/toy').mkdir(parents=True)
    with pytest.raises(SystemExit, match='this command failed'):
        script.main()
