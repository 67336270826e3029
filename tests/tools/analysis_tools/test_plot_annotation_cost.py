import json

import cv2
import pytest

RESULT = {
    'config': 'c',
    'method': 'mask-rcnn',
    'backbone': 'r50',
    'schedule': '1x',
    'dataset': 'coco',
    'supervision': 'p10',
    'mask AP': 36.0,
    'annotation_seconds': 7200.0,
}


@pytest.fixture
def write(tmp_path):
    def write(content, name='results.json'):
        (tmp_path / name).write_text(json.dumps(content))
        return tmp_path / name

    return write


def test_picture_of_several_files(run, write, tmp_path, capsys):
    published = {**RESULT, 'model': 'published', 'mask AP std': 0.2}
    run(write([RESULT]), write([published], 'b.json'), '-o', tmp_path / 'new' / 'out.png')
    assert cv2.imread(str(tmp_path / 'new' / 'out.png')).std() > 10
    assert capsys.readouterr().out.endswith('out.png: 2 results\n')


def test_names_and_numbers_of_a_result(script):
    point = script.to_point({**RESULT, 'mask AP std': 0.2})
    assert (point.model, point.supervision) == ('mask-rcnn r50 1x', 'p10')
    assert (point.seconds, point.ap, point.deviation) == (7200, 36, 0.2)
    point = script.to_point({**RESULT, 'model': 'published'})
    assert (point.model, point.deviation) == ('published', 0)


def test_results_without_annotation_time_are_named(run, write, tmp_path, capsys):
    unknown = {key: value for key, value in RESULT.items() if key != 'annotation_seconds'}
    run(write([unknown, RESULT]), '-o', tmp_path / 'out.png')
    assert "results.json: c has no 'annotation_seconds'" in capsys.readouterr().out


@pytest.mark.parametrize('seconds', [0, -1, 'two hours', None, float('nan'), float('inf')])
def test_annotation_times_that_cannot_be_drawn_are_named(run, write, tmp_path, capsys, seconds):
    bad = {**RESULT, 'annotation_seconds': seconds}
    run(write([bad, RESULT]), '-o', tmp_path / 'out.png')
    out = capsys.readouterr().out
    assert f"results.json: c has 'annotation_seconds' {seconds!r}, expected a number above 0" in out
    assert out.endswith('out.png: 1 results\n')


def test_results_of_other_settings_are_other_models(script):
    names = [script.to_point({**RESULT, 'label': label}).model for label in ('', 'lr=0.1')]
    assert names == ['mask-rcnn r50 1x', 'mask-rcnn r50 1x lr=0.1']


def test_neither_a_folder_nor_the_input_is_replaced(run, write, tmp_path, capsys):
    results = write([RESULT])
    for out, message in ((tmp_path, 'found a folder'), (results, 'found the input')):
        with pytest.raises(SystemExit):
            run(results, '-o', out)
        assert f'{out}: {message}' in capsys.readouterr().err


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        ([RESULT, {**RESULT, 'dataset': 'voc'}], r"results of \['coco', 'voc'\]"),
        ([], r'results of \[\]'),
        (RESULT, r'results\.json: found no list of results'),
    ],
)
def test_what_cannot_be_drawn_is_an_error(run, write, tmp_path, content, message):
    with pytest.raises(SystemExit, match=message):
        run(write(content), '-o', tmp_path / 'out.png')
    assert not (tmp_path / 'out.png').exists()


def test_a_file_that_is_no_json_is_an_error(run, tmp_path):
    (tmp_path / 'results.json').write_text('no')
    with pytest.raises(SystemExit, match=r'results\.json: found no valid JSON'):
        run(tmp_path / 'results.json', '-o', tmp_path / 'out.png')
