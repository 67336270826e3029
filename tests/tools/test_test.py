"""How the arguments of tools/test.py change a config; whole runs are in test_train_test.py."""

import argparse
import sys
from types import ModuleType

import pytest
from mmengine.config import Config


@pytest.mark.parametrize('evaluator', [{'type': 'A'}, [{'type': 'A'}]])
def test_predictions_are_written_besides_the_evaluation(
    script: ModuleType, evaluator: dict | list
) -> None:
    cfg = Config({'test_evaluator': evaluator})
    script.write_predictions(cfg, 'x.pkl')
    dump = {'type': 'mmdet.DumpDetResults', 'out_file_path': 'x.pkl'}
    assert cfg.test_evaluator == [{'type': 'A'}, dump]


def test_pictures_need_the_hook(script: ModuleType) -> None:
    with pytest.raises(SystemExit, match=r'default_hooks\.visualization in the config'):
        script.draw_predictions(Config({'default_hooks': {}}), argparse.Namespace())


def test_predictions_go_to_a_pickle(
    script: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.setattr(sys, 'argv', ['test.py', 'config.py', 'x.pth', '--out', 'x.json'])
    with pytest.raises(SystemExit):
        script.parse_args()
    assert '--out x.json: the name must end in .pkl or .pickle' in capsys.readouterr().err
