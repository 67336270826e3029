import json

import pytest

from mmpointrend.evaluation.runs import RunError, read_run

from .work_folder import NAME, config, training, validation, write_run, write_session

POINTS = {
    'train_dataloader.dataset.type': 'mmpointrend.PointCocoDataset',
    'train_dataloader.dataset.ann_file': 'train_p10.json',
}
BY_ITERATION = {'train_cfg': {'_delete_': True, 'type': 'IterBasedTrainLoop', 'max_iters': 130}}


def write_test(folder, metrics, **values):
    """A session of tools/test.py on the last checkpoint."""
    cfg = config(**{'load_from': 'somewhere/epoch_2.pth', **values})
    write_session(folder, '20260102_000000', cfg, [])
    (folder / '20260102_000000/20260102_000000.json').write_text(json.dumps(metrics))


def test_last_validation_counts(tmp_path):
    lines = [
        training(1, 30),
        validation(0.1, step=1),
        training(2, 60),
        validation(0.3, **{'coco/boundary_mAP': 0.2, 'coco/segm_mAP_50': -1.0, 'other': 0.5}),
    ]
    run = read_run(write_run(tmp_path, 0, lines=lines))
    assert run.metrics == {'mask AP': 30, 'boundary AP': 20}


def test_time_and_memory_are_those_of_training(tmp_path):
    lines = [training(2, 10 * i, time=t, memory=1024 * t) for i, t in enumerate((9, 1, 2))]
    run = read_run(write_run(tmp_path, 0, lines=[*lines, validation(0.3, memory=99999, time=50)]))
    assert (run.seconds, run.memory) == (2, 9)


def test_a_run_on_a_cpu_has_no_memory(tmp_path):
    assert read_run(write_run(tmp_path, 0.3)).memory is None


def test_name_is_taken_apart(tmp_path):
    assert read_run(write_run(tmp_path, 0.3)).fields == {
        'method': 'mask-rcnn',
        'backbone': 'r18-small',
        'neck': 'fpn',
        'supervision': 'masks',
        'schedule': '24e',
        'dataset': 'nuclei',
    }


def test_metrics_of_lvis(tmp_path):
    lines = [training(2, 60), {'lvis/segm_AP': 0.25, 'step': 2}]
    assert read_run(write_run(tmp_path, 0, lines=lines)).metrics == {'mask AP': 25}


def test_a_resumed_run_is_one(tmp_path):
    write_run(tmp_path, 0, lines=[training(1, 30, time=1.0)])
    resumed = [training(2, 60, time=3.0), validation(0.4)]
    write_session(tmp_path, '20260102_000000', config(), resumed)
    run = read_run(tmp_path)
    assert (run.metrics, run.seconds) == ({'mask AP': 40}, 2)


def test_start_is_that_of_the_first_session(tmp_path):
    start = 'work_dirs/coco/epoch_36.pth'
    write_run(tmp_path, 0, lines=[training(1, 30)], load_from=start)
    resumed = config(load_from='work/epoch_1.pth', resume=True)
    lines = [training(2, 60), validation(0.4)]
    write_session(tmp_path, '20260102_000000', resumed, lines)
    run = read_run(tmp_path)
    assert (run.load_from, run.settings['load_from']) == (start, start)


def test_where_a_run_was_resumed_is_not_its_start(tmp_path):
    resumed = {'load_from': 'work/epoch_1.pth', 'resume': True}
    assert read_run(write_run(tmp_path, 0.4, **resumed)).load_from is None


def test_a_test_of_the_last_checkpoint_completes_the_metrics(tmp_path):
    write_run(tmp_path, 0.3)
    write_test(tmp_path, {'coco/segm_mAP': 0.31, 'coco/boundary_mAP': 0.2})
    assert read_run(tmp_path).metrics == {'mask AP': 31, 'boundary AP': 20}


@pytest.mark.parametrize(
    'values',
    [
        {'load_from': 'somewhere/epoch_1.pth'},
        {'model.type': 'PointTTAModel'},
        {'test_dataloader.dataset.type': 'LVISV1Dataset'},
    ],
)
def test_another_test_does_not_count(tmp_path, values):
    write_run(tmp_path, 0.3)
    write_test(tmp_path, {'coco/segm_mAP': 0.9}, **values)
    assert read_run(tmp_path).metrics == {'mask AP': 30}


def test_settings_are_those_of_the_experiment(tmp_path):
    first = read_run(write_run(tmp_path / 'a', 0.3))
    elsewhere = {
        'randomness.seed': 1,
        'work_dir': 'b',
        'train_dataloader.num_workers': 4,
        'tta_model.type': 'DetTTAModel',
    }
    assert read_run(write_run(tmp_path / 'b', 0.3, **elsewhere)).settings == first.settings
    deeper = read_run(write_run(tmp_path / 'c', 0.3, **{'model.data.1.depth': 50}))
    changed = set(deeper.settings.items()) - set(first.settings.items())
    assert changed == {('model.data.1.depth', '50')}


def test_annotations_are_found_below_what_repeats_and_joins_them(tmp_path):
    masks = config().train_dataloader.dataset
    points = config(**POINTS).train_dataloader.dataset
    joined = {'type': 'ConcatDataset', 'datasets': [masks, points]}
    wrapped = {'type': 'RepeatDataset', 'times': 2, 'dataset': joined}
    run = read_run(write_run(tmp_path, 0.3, **{'train_dataloader': {'dataset': wrapped}}))
    assert run.annotations == (('data/train.json', False), ('data/train_p10.json', True))


@pytest.mark.parametrize(('step', 'finished'), [(100, True), (50, False)])
def test_iterations_need_not_be_logged_to_the_last(tmp_path, step, finished):
    lines = [training(1, step), validation(0.3)]
    folder = write_run(tmp_path, 0, lines=lines, **BY_ITERATION)
    if finished:
        assert read_run(folder).metrics == {'mask AP': 30}
    else:
        with pytest.raises(RunError, match='not finished: found iter 50 of 130'):
            read_run(folder)


@pytest.mark.parametrize(
    ('lines', 'message'),
    [
        ([training(1, 30), validation(0.3, step=1)], 'not finished: found epoch 1 of 2'),
        ([training(1, 30), validation(0.3), training(2, 60)], 'none of the known metrics'),
        ([training(2, 60), {'voc/mAP': 0.3}], 'none of the known metrics'),
        ([validation(0.3)], 'no log of a training'),
        ([], 'no log of a training'),
    ],
)
def test_an_unfinished_run_is_an_error(tmp_path, lines, message):
    with pytest.raises(RunError, match=message):
        read_run(write_run(tmp_path, 0, lines=lines))


def test_a_line_that_is_being_written_does_not_matter(tmp_path):
    write_run(tmp_path, 0.3)
    with (tmp_path / '20260101_000000/vis_data/scalars.json').open('a') as log:
        log.write('{"loss": 0.')
    assert read_run(tmp_path).metrics == {'mask AP': 30}


def test_unreadable_files_are_named(tmp_path):
    write_run(tmp_path, 0.3)
    log = tmp_path / '20260101_000000/vis_data/scalars.json'
    config_file = log.with_name('config.py')
    text = config_file.read_text()
    config_file.write_text('model = dict(')
    with pytest.raises(RunError, match=r'vis_data/config\.py cannot be read'):
        read_run(tmp_path)
    config_file.write_text(text)
    log.write_text('no json\n' + log.read_text())
    with pytest.raises(RunError, match=r'scalars\.json: found no valid JSON'):
        read_run(tmp_path)


def test_an_unreadable_test_is_named(tmp_path):
    write_run(tmp_path, 0.3)
    write_test(tmp_path, {})
    (tmp_path / '20260102_000000/20260102_000000.json').write_text('{')
    with pytest.raises(RunError, match=r'20260102_000000\.json: found no valid JSON'):
        read_run(tmp_path)


def test_other_folders_are_errors(tmp_path):
    with pytest.raises(RunError, match='found 0 configs'):
        read_run(tmp_path)
    write_run(tmp_path, 0.3, name='my_config')
    with pytest.raises(RunError, match=r'my_config\.py, expected \{method\}_\{backbone\}'):
        read_run(tmp_path)
    (tmp_path / f'{NAME}.py').write_text('')
    with pytest.raises(RunError, match='found 2 configs'):
        read_run(tmp_path)
