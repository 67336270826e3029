from pathlib import Path

from mmpointrend.engine import JsonLines, read_json_lines


def append(path: Path, *values: object) -> None:
    file = JsonLines(path)
    for value in values:
        file.append(value)
    file.close()


def test_lines_are_added_to_what_is_there(tmp_path: Path) -> None:
    append(tmp_path / 'new/a.jsonl', {'a': 1}, ['é'])
    append(tmp_path / 'new/a.jsonl', 3)
    assert list(read_json_lines(tmp_path / 'new/a.jsonl')) == [{'a': 1}, ['é'], 3]


def test_a_line_that_was_cut_off_is_dropped(tmp_path: Path) -> None:
    path = tmp_path / 'a.jsonl'
    path.write_bytes(b'1\n2\n{"a": 2')
    assert list(read_json_lines(path)) == [1, 2]
    append(path, 3)
    assert path.read_bytes() == b'1\n2\n3\n'


def test_only_a_cut_off_line(tmp_path: Path) -> None:
    path = tmp_path / 'a.jsonl'
    path.write_bytes(b'{"a"')
    assert list(read_json_lines(path)) == []
    append(path, 1)
    assert path.read_bytes() == b'1\n'


def test_a_line_is_there_before_the_file_is_closed(tmp_path: Path) -> None:
    file = JsonLines(tmp_path / 'a.jsonl')
    file.append(1)
    assert list(read_json_lines(tmp_path / 'a.jsonl')) == [1]
    file.close()
