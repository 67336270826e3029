import os
import subprocess
import sys
from subprocess import PIPE

import numpy as np
import pytest

from mmpointrend.annotation import read_coco


@pytest.fixture
def source(script, tmp_path):
    script.make_file(tmp_path / 'in.json', 3)
    return tmp_path / 'in.json'


def test_the_file_holds_as_many_objects_an_image_as_coco(script):
    num_images = 1000
    found = [
        ann['image_id'] for ann in script.make_annotations(num_images, np.random.default_rng(0))
    ]
    assert found == sorted(found)
    assert 7 < len(found) / num_images < 7.6


def test_boxes_are_those_of_the_corners(source):
    data, _ = read_coco(source)
    for ann in data['annotations']:
        corners = np.concatenate(ann['segmentation']).reshape(-1, 2)
        start = corners.min(axis=0)
        expected = [*start, *(corners.max(axis=0) - start)]
        np.testing.assert_allclose(ann['bbox'], expected, atol=0.006)


def test_the_loop_reads_the_labels_of_the_drawn_masks(script, source, tmp_path):
    script.run_loop(source, tmp_path / 'out.json', 5)
    assert script.count_other_labels(source, tmp_path / 'out.json') == 0


def test_labels_that_differ_are_counted(script, source, tmp_path):
    out = tmp_path / 'out.json'
    script.run_loop(source, out, 5)
    data, _ = read_coco(out)
    labels = data['annotations'][2]['point_labels']
    labels[3] = 1 - labels[3]
    script.write_json(out, data)
    assert script.count_other_labels(source, out) == 1


def test_memory_counts_the_processes_below(script):
    before = script.memory(os.getpid())
    hold = "held = bytearray(b'1') * 80_000_000; print(flush=True); input()"
    with subprocess.Popen([sys.executable, '-c', hold], stdin=PIPE, stdout=PIPE) as process:
        process.stdout.readline()
        grown = script.memory(os.getpid()) - before
        process.communicate(b'\n')
    assert 80 < grown < 120


def test_a_side_that_fails_ends_the_run(script):
    with pytest.raises(SystemExit, match='fail ended with exit code 3'):
        script.measure(fail)


def fail():
    sys.exit(3)


def test_the_tool_runs_on_the_file(script, source, tmp_path):
    cost = script.measure(script.run_tool, source, tmp_path / 'out.json', 5, 1)
    annotations = read_coco(tmp_path / 'out.json')[0]['annotations']
    assert {len(ann['point_coords']) for ann in annotations} == {5}
    assert cost.seconds > 0 and cost.cpu_seconds > 0


def test_it_prints_both_sides_and_their_ratio(script, monkeypatch, capsys):
    costs = iter([script.Cost(2.0, 4.0, 100.0), script.Cost(12.0, 10.0, 300.0)])

    def measure(_, source, out, num_points, *workers):
        script.run_loop(source, out, num_points)
        return next(costs)

    monkeypatch.setattr(script, 'measure', measure)
    monkeypatch.setattr(sys, 'argv', ['benchmark_sample_points.py', '--images', '3'])
    script.main()
    lines = capsys.readouterr().out.splitlines()
    rows = {line.split()[0]: line.split()[1:] for line in lines}
    assert rows['ratio'] == ['6.00', '2.50']
    assert rows['loop'][-1] == '300'
    assert lines[-1] == '0 labels differ at the same points'
