"""Table, metafiles and result file of a few runs."""

import json

import pytest

from ...evaluation.work_folder import NAME, training, write_run

POINTS = {
    'train_dataloader.dataset.type': 'mmpointrend.PointCocoDataset',
    'train_dataloader.dataset.ann_file': 'train_p10.json',
}
METAFILE = f"""\
Models:
  - Name: {NAME}
    Metadata:
      Training Data: Nuclei  # of cells
"""


def coco(**points):
    """A file of one image with three objects, one of them a crowd."""
    annotations = [
        {'id': index, 'image_id': 0, 'category_id': 0, 'iscrowd': int(index == 2), **points}
        for index in range(3)
    ]
    images = [{'id': 0, 'width': 8, 'height': 8}]
    return {'images': images, 'annotations': annotations, 'categories': [{'id': 0, 'name': 'a'}]}


@pytest.fixture
def folders(tmp_path):
    """Two seeds from masks, one run from points, and the files that they trained from."""
    p10 = NAME.replace('masks', 'p10')
    data = {'train_dataloader.dataset.data_root': str(tmp_path)}
    (tmp_path / 'train.json').write_text(json.dumps(coco()))
    (tmp_path / 'train_p10.json').write_text(json.dumps(coco(point_labels=[1] * 10)))
    return [
        write_run(tmp_path / 'a', 0.4, **data),
        write_run(tmp_path / 'b', 0.42, **data, **{'randomness.seed': 1}),
        write_run(tmp_path / 'c', 0.369, name=p10, **{**POINTS, **data}),
    ]


def test_table_is_shown(run, folders, capsys):
    run(*folders)
    rows = capsys.readouterr().out.splitlines()[2:4]
    assert [row.split(' | ')[2:5] for row in rows] == [
        ['masks', '41.0 ± 1.4', ''],
        ['p10', '36.9', '90.0 %'],
    ]


def test_table_is_written(run, folders, tmp_path, capsys):
    run(*folders, '-o', tmp_path / 'new' / 'table.md')
    assert capsys.readouterr().out == ''
    assert (tmp_path / 'new' / 'table.md').read_text().count('\n') == 4


def test_what_is_left_out_is_named_in_one_line_each(run, folders, tmp_path, capsys):
    unfinished = write_run(tmp_path / 'd', 0, lines=[training(1, 30)])
    again = write_run(tmp_path / 'e', 0.9)
    run(write_run(tmp_path / 'f', 0.3), unfinished, tmp_path / 'none', again)
    lines = capsys.readouterr().out.splitlines()
    assert lines[:3] == [
        f'left out: {unfinished}: not finished: found epoch 1 of 2',
        f'left out: {tmp_path / "none"}: found 0 configs (*.py), expected the one of a run',
        f'left out: {again}: same config and seed as {tmp_path / "f"}',
    ]
    assert '30.0' in lines[5]


def test_runs_without_a_seed_are_all_different(run, tmp_path, capsys):
    folders = [write_run(tmp_path / name, 0.3, randomness={'seed': None}) for name in 'ab']
    run(*folders)
    assert capsys.readouterr().out.rstrip().endswith('| 2 |')


def test_nothing_to_collect_is_an_error(run, tmp_path):
    with pytest.raises(SystemExit, match='found no finished run'):
        run(tmp_path)


def test_metafile_gets_the_means_of_its_models(run, folders, tmp_path, capsys):
    metafile = tmp_path / 'metafile.yml'
    metafile.write_text(METAFILE)
    run(*folders, '--metafile', metafile)
    assert metafile.read_text() == METAFILE + (
        '    Results:\n'
        '      - Task: Instance Segmentation\n'
        '        Dataset: Nuclei\n'
        '        Metrics:\n'
        '          mask AP: 41.0\n'
    )
    p10 = NAME.replace('masks', 'p10')
    assert capsys.readouterr().out.endswith(f'not in a metafile: {p10}: none of them lists it\n')


def test_metafile_gets_no_result_that_is_not_the_only_one(run, tmp_path, capsys):
    metafile = tmp_path / 'metafile.yml'
    metafile.write_text(METAFILE)
    folders = [write_run(tmp_path / str(lr), 0.3, lr=lr) for lr in (1, 2)]
    run(*folders, '--metafile', metafile)
    assert metafile.read_text() == METAFILE
    assert f'not in a metafile: {NAME}: it has other results (lr=1)' in capsys.readouterr().out


def test_a_bad_metafile_is_named(run, folders, tmp_path):
    metafile = tmp_path / 'metafile.yml'
    metafile.write_text('Models: none')
    with pytest.raises(SystemExit, match=r"metafile\.yml: found no list 'Models'"):
        run(*folders, '--metafile', metafile)
    assert metafile.read_text() == 'Models: none'


def test_result_file_has_metrics_and_annotation_time(run, folders, tmp_path):
    run(*folders, '--json', tmp_path / 'x.json', '--image-seconds', 100, '--object-seconds', 10)
    masks, points = json.loads((tmp_path / 'x.json').read_text())
    assert (masks['mask AP'], masks['supervision'], masks['seeds']) == (41, 'masks', [0, 1])
    assert masks['annotation_seconds'] == pytest.approx(100 + 2 * (10 + 79.2))
    assert points['annotation_seconds'] == pytest.approx(100 + 2 * (10 + 7 + 10 * 0.9))


def test_predicted_masks_cost_what_their_points_cost(run, folders, tmp_path):
    values = {
        'train_dataloader.dataset.data_root': str(tmp_path),
        'train_dataloader.dataset.ann_file': 'train_p10.json',
    }
    folder = write_run(tmp_path / 'd', 0.3, name=NAME.replace('masks', 'pseudo'), **values)
    run(*folders[2:], folder, '--json', tmp_path / 'x.json')
    points, pseudo = json.loads((tmp_path / 'x.json').read_text())
    assert pseudo['supervision'] == 'pseudo'
    assert pseudo['annotation_seconds'] == points['annotation_seconds']


@pytest.mark.parametrize(
    ('values', 'reason'),
    [
        ({}, "train.json: annotation 0: found no 'point_labels', expected a file with points"),
        ({**POINTS, 'train_dataloader.dataset.ann_file': 'none.json'}, 'No such file or directory'),
    ],
)
def test_annotation_time_is_left_out_where_it_is_not_known(
    run, folders, tmp_path, capsys, values, reason
):
    data = {'train_dataloader.dataset.data_root': str(tmp_path)}
    folder = write_run(tmp_path / 'd', 0.3, name=NAME.replace('masks', 'p10'), **{**data, **values})
    run(folder, '--json', tmp_path / 'x.json')
    (record,) = json.loads((tmp_path / 'x.json').read_text())
    assert 'annotation_seconds' not in record
    shown = capsys.readouterr().out
    assert 'no annotation time: mask-rcnn' in shown
    assert reason in shown
