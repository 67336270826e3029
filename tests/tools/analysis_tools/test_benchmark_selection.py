import sys

import numpy as np
import pytest


def test_the_loops_choose_points_of_the_same_band_as_ours(script):
    script.check(script.disc(32))


def test_points_of_another_band_are_noticed(script, monkeypatch):
    monkeypatch.setattr(script, 'boundary_band', lambda mask, width: np.zeros(mask.shape, bool))
    with pytest.raises(SystemExit, match='same band'):
        script.check(script.disc(32))


@pytest.mark.parametrize('name', ['first', 'accelerated'])
def test_the_loops_lose_what_misses_the_band(script, name):
    points = getattr(script, name)(script.disc(32), 1000, np.random.default_rng(0))
    assert 250 < len(points) < 500


def test_it_prints_a_row_per_number_of_points(script, monkeypatch, capsys):
    arguments = '--side 16 --points 20 40 --large 60 --repeat 1 --memory-side 16'
    monkeypatch.setattr(sys, 'argv', ['benchmark_selection.py', *arguments.split()])
    # New processes import a script by its path, which the fixture does not run.
    monkeypatch.setattr(script, 'memory', lambda args: None)
    script.main()
    first_columns = [line.split()[0] for line in capsys.readouterr().out.splitlines() if line]
    assert {'20', '40', '60'} <= set(first_columns)
