"""The command that turns masks into points; what it draws is tested with the package."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

DATA = Path(__file__).parents[2] / 'data'
MASKS = DATA / 'coco_points_in.json'
# See tests/annotation/test_simulate.py for where this file comes from.
PUBLISHED = DATA / 'coco_points_out_n10_npseed12345.json'


def test_legacy_generator_writes_the_published_file_byte_by_byte(
    run: Callable, tmp_path: Path
) -> None:
    run(MASKS, tmp_path / 'out.json', '--legacy-rng', '--seed', 12345)
    assert (tmp_path / 'out.json').read_bytes() == PUBLISHED.read_bytes()


def test_all_but_masks_is_kept(run: Callable, tmp_path: Path) -> None:
    data = json.loads(MASKS.read_text())
    more = {'info': {'year': 2017}, 'licenses': [{'id': 1}], 'extra': [1, 2]}
    (tmp_path / 'in.json').write_text(json.dumps({**data, **more}))
    run(tmp_path / 'in.json', tmp_path / 'out.json', '--num-points', 5)

    out = json.loads((tmp_path / 'out.json').read_text())
    num_points = []
    for ann in out['annotations']:
        num_points.append(len(ann.pop('point_coords', [])))
        ann.pop('point_labels', None)
    for ann in data['annotations']:
        del ann['segmentation']
    assert out == {**data, **more}
    assert num_points == [5, 5, 5, 0]


def test_same_seed_same_file(run: Callable, tmp_path: Path) -> None:
    for name, seed in (('a', 3), ('b', 3), ('c', 4)):
        run(MASKS, tmp_path / name, '--seed', seed)
    first, again, other = ((tmp_path / name).read_bytes() for name in 'abc')
    assert first == again
    assert first != other


def test_several_seeds_make_the_files_that_each_makes_alone(run: Callable, tmp_path: Path) -> None:
    run(MASKS, tmp_path / 'out.json', '--seed', 3, 4)
    for seed in (3, 4):
        run(MASKS, tmp_path / 'alone.json', '--seed', seed, '--force')
        several = (tmp_path / f'out_seed{seed}.json').read_bytes()
        assert several == (tmp_path / 'alone.json').read_bytes()


def test_no_seed_is_drawn_where_the_file_of_one_exists(run: Callable, tmp_path: Path) -> None:
    (tmp_path / 'out_seed4.json').write_text('mine')
    with pytest.raises(SystemExit):
        run(MASKS, tmp_path / 'out.json', '--seed', 3, 4)
    assert [path.name for path in tmp_path.iterdir()] == ['out_seed4.json']


def test_an_existing_file_is_replaced_only_by_force(
    run: Callable, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    out = tmp_path / 'out.json'
    out.write_text('mine')
    with pytest.raises(SystemExit):
        run(MASKS, out)
    assert 'out.json: exists already; --force replaces it' in capsys.readouterr().err
    assert out.read_text() == 'mine'
    run(MASKS, out, '--force')
    assert 'point_coords' in out.read_text()


def test_the_input_is_never_replaced(run: Callable, tmp_path: Path) -> None:
    path = tmp_path / 'in.json'
    path.write_bytes(MASKS.read_bytes())
    with pytest.raises(SystemExit):
        run(path, path, '--force')
    assert path.read_bytes() == MASKS.read_bytes()


def test_bad_input_is_one_error_and_no_file(run: Callable, tmp_path: Path) -> None:
    data = json.loads(MASKS.read_text())
    data['annotations'][1]['segmentation'] = [[1, 2]]
    (tmp_path / 'in.json').write_text(json.dumps(data))
    with pytest.raises(SystemExit, match=r'error: .*in\.json: annotation 2: found polygon'):
        run(tmp_path / 'in.json', tmp_path / 'out.json')
    assert [path.name for path in tmp_path.iterdir()] == ['in.json']


@pytest.mark.parametrize(
    'option', [('--num-points', 0), ('--workers', 0), ('--seed', -1), ('--seed', 2**32)]
)
def test_a_bad_option_is_named_with_its_value(
    run: Callable, tmp_path: Path, capsys: pytest.CaptureFixture, option: tuple[str, int]
) -> None:
    with pytest.raises(SystemExit):
        run(MASKS, tmp_path / 'out.json', *option)
    assert f'{option[0]}: found {option[1]}, expected' in capsys.readouterr().err
