from pathlib import Path
from statistics import stdev

import pytest

from mmpointrend.evaluation.results import (
    collect_results,
    markdown_table,
    mean_and_deviation,
    result_record,
)
from mmpointrend.evaluation.runs import NAME, Run


def make_run(
    mask_ap,
    supervision='masks',
    seed=0,
    method='mask-rcnn',
    memory=None,
    load_from=None,
    **settings,
):
    config = f'{method}_r50_fpn_{supervision}_1x_coco'
    return Run(
        folder=Path('work'),
        config=config,
        fields=NAME.fullmatch(config).groupdict(),
        seed=seed,
        load_from=load_from,
        settings={
            'model.type': method,
            'data.ann_file': supervision,
            'load_from': load_from,
            **settings,
        },
        metrics={'mask AP': mask_ap},
        memory=memory,
        seconds=0.25,
        annotations=(),
    )


def test_seeds_of_a_config_are_one_result():
    (result,) = collect_results([make_run(30, seed=0), make_run(34, seed=1)])
    record = result_record(result)
    assert (record['mask AP'], record['seeds']) == (32, [0, 1])
    assert record['mask AP std'] == pytest.approx(stdev([30, 34]))


def test_a_metric_that_a_seed_lacks_is_not_shown():
    half = make_run(30)
    half.metrics['boundary AP'] = 20
    (result,) = collect_results([half, make_run(34, seed=1)])
    assert result.values('boundary AP') == []
    assert 'boundary AP' not in result_record(result)


def test_share_is_that_of_the_same_model_trained_from_masks():
    runs = [make_run(40, seed=0), make_run(50, seed=1), make_run(36, 'p10')]
    runs += [make_run(99, method='pointrend'), make_run(10, 'p10', method='condinst')]
    shares = {result.config: result.share for result in collect_results(runs)}
    assert shares == {
        'mask-rcnn_r50_fpn_masks_1x_coco': None,
        'mask-rcnn_r50_fpn_p10_1x_coco': pytest.approx(80),
        'pointrend_r50_fpn_masks_1x_coco': None,
        'condinst_r50_fpn_p10_1x_coco': None,
    }


def test_no_share_where_there_are_two_references():
    runs = [make_run(40), make_run(50, **{'optimizer.lr': '0.1'}), make_run(36, 'p10')]
    assert [result.share for result in collect_results(runs)] == [None] * 3


def test_no_share_of_a_run_that_starts_elsewhere():
    start = 'work_dirs/coco/epoch_36.pth'
    runs = [make_run(40), make_run(36, 'p10', load_from=start)]
    assert [result.share for result in collect_results(runs)] == [None, None]
    runs.append(make_run(48, load_from=start))
    shares = {result.runs[0].metrics['mask AP']: result.share for result in collect_results(runs)}
    assert shares == {40: None, 48: None, 36: 75}


def test_table_and_record_say_what_a_run_started_from():
    start = '/data/work_dirs/coco/epoch_36.pth'
    results = collect_results([make_run(40), make_run(36, 'p10', load_from=start)])
    rows = [line.split(' | ') for line in markdown_table(results).splitlines()]
    assert [row[3] for row in rows] == ['starts from', '---', '', '`coco/epoch_36.pth`']
    assert [result_record(result)['load_from'] for result in results] == [None, start]


def test_other_settings_are_another_result_and_say_what_differs():
    noisy = make_run(30, 'p10', **{'data.ann_file': 'p10_noise5.json'})
    results = collect_results([make_run(36, 'p10'), noisy, make_run(40)])
    assert [(result.label, result.values('mask AP')) for result in results] == [
        ('', [40]),
        ('ann_file=p10', [36]),
        ('ann_file=p10_noise5.json', [30]),
    ]
    assert [result.share for result in results] == [None, 90, 75]


def test_masks_come_first_within_a_model():
    runs = [make_run(1, 'p10'), make_run(1, 'boxes'), make_run(1), make_run(1, 'p10', method='a')]
    assert [(r.fields['method'], r.fields['supervision']) for r in collect_results(runs)] == [
        ('a', 'p10'),
        ('mask-rcnn', 'masks'),
        ('mask-rcnn', 'boxes'),
        ('mask-rcnn', 'p10'),
    ]


def test_table():
    runs = [make_run(40, memory=3.25), make_run(42, seed=1, memory=3.5), make_run(36, 'p10')]
    assert markdown_table(collect_results(runs)) == (
        "| config | schedule | trained from | mask AP | of its masks' AP | memory | "
        's / iteration | seeds |\n'
        '| --- | --- | --- | --- | --- | --- | --- | --- |\n'
        '| `mask-rcnn_r50_fpn_masks_1x_coco` | 1x | masks | 41.0 ± 1.4 |  | 3.5 GB | 0.25 | 2 |\n'
        '| `mask-rcnn_r50_fpn_p10_1x_coco` | 1x | p10 | 36.0 | 87.8 % |  | 0.25 | 1 |\n'
    )


def test_deviation_needs_two_values():
    assert [mean_and_deviation(values) for values in ([], [39.04], [39, 40])] == [
        '',
        '39.0',
        '39.5 ± 0.7',
    ]
