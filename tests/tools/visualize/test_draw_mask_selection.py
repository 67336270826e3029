import sys

import cv2
import numpy as np
import torch


def test_it_writes_all_figures(script, tmp_path, monkeypatch, capsys):
    for name, value in {'ITERATIONS': 1, 'SEEDS': 1, 'NUM_TRAIN': 20}.items():
        monkeypatch.setattr(script, name, value)
    monkeypatch.setattr(sys, 'argv', ['draw_mask_selection.py', '--out', str(tmp_path)])
    script.main()
    for name in ('errors', 'points', 'steps', 'model'):
        assert cv2.imread(str(tmp_path / f'selection_{name}.png')).std() > 10
    assert '448       200704        3920' in capsys.readouterr().out


def test_a_trained_network_knows_most_of_the_mask(script, monkeypatch):
    monkeypatch.setattr(script, 'ITERATIONS', 60)
    truth = script.dense(script.SIDE) > 0
    with torch.random.fork_rng():
        mask = script.predicted_mask(script.train(truth, 0.0, 0))
    assert np.mean(mask == truth) > 0.9
