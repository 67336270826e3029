"""Label maps thinned out to a few labelled pixels."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

ROOT = Path(__file__).parents[3]
SIZE = (20, 30)
NAMES = ['a.png', 'city/b.png', 'city/c.png']


@pytest.fixture
def src(tmp_path):
    rng = np.random.default_rng(0)
    for name in NAMES:
        path = tmp_path / 'src' / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 3, SIZE, dtype=np.uint8)).save(path)
    return tmp_path / 'src'


def read(folder):
    return {
        path.relative_to(folder).as_posix(): np.asarray(Image.open(path))
        for path in sorted(folder.rglob('*.png'))
    }


@pytest.fixture
def thin_out(run, src, tmp_path):
    """Run the script in this process, writing to this folder, and read what it writes."""

    def run_script(name, *options):
        run(src, tmp_path / name, '--workers', 1, *options)
        return read(tmp_path / name)

    return run_script


def same(one, two):
    assert list(one) == list(two)
    return all(np.array_equal(one[name], two[name]) for name in one)


@pytest.mark.parametrize(
    ('options', 'num_kept'),
    [
        ((), 3 * 10),
        (('--num-points', 4), 3 * 4),
        (('--num-points', 4, '--per', 'image'), 4),
        (('--num-points', 4, '--ignored', 0, 255), 2 * 4),
    ],
)
def test_so_many_pixels_keep_their_label(thin_out, src, options, num_kept):
    found, labels = thin_out('out', *options), read(src)
    assert list(found) == NAMES
    for name, kept in found.items():
        assert (kept != 255).sum() == num_kept
        np.testing.assert_array_equal(kept[kept != 255], labels[name][kept != 255])


def test_the_seed_decides(thin_out):
    first = thin_out('first')
    assert same(first, thin_out('again', '--seed', 0))
    assert not same(first, thin_out('other', '--seed', 1))


def test_a_file_does_not_depend_on_the_others(thin_out, src):
    before = thin_out('before')
    (src / NAMES[0]).unlink()
    after = thin_out('after')
    assert same({name: before[name] for name in NAMES[1:]}, after)


def test_files_of_the_same_content_have_other_points(thin_out, src):
    (src / NAMES[0]).write_bytes((src / NAMES[1]).read_bytes())
    found = thin_out('out')
    assert not np.array_equal(found[NAMES[0]], found[NAMES[1]])


def test_several_processes_write_the_same(thin_out, script, src, tmp_path):
    command = [sys.executable, script.__file__, src, tmp_path / 'two', '--workers', '2']
    environment = os.environ | {'PYTHONPATH': str(ROOT)}
    subprocess.run(list(map(str, command)), check=True, env=environment, capture_output=True)
    assert same(thin_out('one'), read(tmp_path / 'two'))


def test_a_broken_run_is_continued(thin_out, script, src, tmp_path, monkeypatch):
    content = (src / NAMES[1]).read_bytes()
    (src / NAMES[1]).write_text('no image')
    with pytest.raises(SystemExit, match=r'b\.png'):
        thin_out('out')
    assert not (tmp_path / 'out').exists()
    (src / NAMES[1]).write_bytes(content)
    done = []
    read_labels = script.read_labels
    monkeypatch.setattr(script, 'read_labels', lambda path: done.append(path) or read_labels(path))
    found = thin_out('out')
    assert done == [src / name for name in NAMES[1:]]
    assert same(found, thin_out('whole'))


@pytest.mark.parametrize(
    'setting', [('--seed', 5), ('--suffix', 'b.png')], ids=lambda pair: pair[0]
)
def test_a_broken_run_of_other_settings_is_not_continued(thin_out, src, setting):
    content = (src / NAMES[1]).read_bytes()
    (src / NAMES[1]).write_text('no image')
    with pytest.raises(SystemExit):
        thin_out('out')
    (src / NAMES[1]).write_bytes(content)
    assert same(thin_out('out', *setting), thin_out('whole', *setting))


def test_a_broken_run_of_another_source_is_not_continued(run, src, tmp_path, monkeypatch):
    other = tmp_path / 'other/src'
    for name in NAMES:
        path = other / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full(SIZE, 7, np.uint8)).save(path)
    (other / NAMES[1]).write_text('no image')
    # The same names from different folders.
    monkeypatch.chdir(other.parent)
    with pytest.raises(SystemExit):
        run('src', tmp_path / 'out', '--workers', 1)
    monkeypatch.chdir(src.parent)
    run('src', tmp_path / 'out', '--workers', 1)
    assert all(7 not in kept for kept in read(tmp_path / 'out').values())


def test_palette_images_are_labels(thin_out, src):
    expected = thin_out('grey')
    for name in NAMES:
        image = Image.fromarray(read(src)[name], mode='P')
        image.putpalette(list(range(255, -1, -1)) * 3)
        image.save(src / name)
    assert same(thin_out('palette'), expected)


def test_only_files_of_the_suffix_are_read(thin_out, src):
    (src / 'city' / 'b_color.png').write_bytes((src / NAMES[1]).read_bytes())
    assert list(thin_out('out', '--suffix', '_color.png')) == ['city/b_color.png']


def test_colours_are_no_labels(thin_out, src):
    Image.new('RGB', (3, 3)).save(src / NAMES[0])
    with pytest.raises(SystemExit, match=r'a\.png: found an image of mode RGB, expected 8-bit'):
        thin_out('out')


def without(content, start, stop):
    """Set some bytes to zero."""
    return content[:start] + bytes(stop - start) + content[stop:]


@pytest.mark.parametrize(
    'damage',
    [
        lambda content: b'no image',
        lambda content: content[:60],
        lambda content: without(content, 50, 80),
        # What Pillow has other exceptions for: the length of the first chunk, and of the data.
        lambda content: without(content, 8, 12),
        lambda content: without(content, 33, 37),
    ],
    ids=['no image', 'cut off', 'data', 'length of header', 'length of data'],
)
def test_a_broken_file_is_named(thin_out, src, damage):
    path = src / NAMES[0]
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(SystemExit, match=r'a\.png: found no image .+, expected 8-bit labels'):
        thin_out('out')


def test_a_folder_without_label_maps(thin_out):
    with pytest.raises(SystemExit, match=r'found no file \*_trainIds\.png'):
        thin_out('out', '--suffix', '_trainIds.png')


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (('--num-points', 0), '--num-points: found 0, expected 1 or more'),
        (('--seed', -1), '--seed: found -1, expected 0 or more'),
    ],
)
def test_bad_options(thin_out, capsys, options, message):
    with pytest.raises(SystemExit):
        thin_out('out', *options)
    assert message in capsys.readouterr().err


def test_an_existing_folder_is_left_alone(thin_out, tmp_path, capsys):
    (tmp_path / 'out').mkdir()
    with pytest.raises(SystemExit):
        thin_out('out')
    assert 'exists already' in capsys.readouterr().err
    assert list((tmp_path / 'out').iterdir()) == []


def test_a_folder_inside_of_the_source_is_refused(thin_out, src, capsys):
    with pytest.raises(SystemExit):
        thin_out('src/city/out')
    assert f'found a folder inside of {src}, expected one outside' in capsys.readouterr().err
    assert list(read(src)) == NAMES
