"""The figure of a model with random weights, as a user makes it."""

import sys
from pathlib import Path
from types import ModuleType

import cv2
import pytest

from ..conftest import TOY_CONFIG


@pytest.fixture
def draw(script: ModuleType, toy_folder: Path, monkeypatch: pytest.MonkeyPatch):
    def draw(*arguments: str) -> Path:
        options = ('test_dataloader.num_workers=0', 'test_dataloader.persistent_workers=False')
        argv = ['draw_rendering.py', str(TOY_CONFIG), 'model.pth', *arguments]
        monkeypatch.setattr(sys, 'argv', [*argv, '--cfg-options', *options])
        script.main()
        return toy_folder / 'rendering.png'

    return draw


def test_it_draws_an_object(draw) -> None:
    assert cv2.imread(str(draw('--image', '1', '--object', '0'))).std() > 10


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (('--image', '2'), 'the dataset has 2 images'),
        (('--object', '99'), 'objects, not number 99'),
    ],
)
def test_what_is_not_there_is_an_error(draw, arguments: tuple[str, ...], message: str) -> None:
    with pytest.raises(SystemExit, match=message):
        draw(*arguments)
