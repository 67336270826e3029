"""Checkpoint files of every kind, and files that are none."""

import os
import pickle
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.logging import HistoryBuffer

from mmpointrend.checkpoints import CheckpointError, read_checkpoint, write_checkpoint

STATE = {'a.weight': torch.arange(6.0).view(2, 3), 'a.count': torch.tensor(7)}


def write_pickle(path: Path, content) -> Path:
    path.write_bytes(pickle.dumps(content))
    return path


def write_torch(path: Path, content, is_zip: bool = True) -> Path:
    torch.save(content, path, _use_new_zipfile_serialization=is_zip)
    return path


def assert_state(tensors: dict[str, torch.Tensor]) -> None:
    assert tensors.keys() == STATE.keys()
    for key, value in STATE.items():
        assert torch.equal(tensors[key], value)
        assert tensors[key].dtype == value.dtype


def test_pickle_of_detectron2(tmp_path: Path) -> None:
    model = {key: value.numpy() for key, value in STATE.items()}
    content = {'model': model, '__author__': 'someone', 'matching_heuristics': True}
    checkpoint = read_checkpoint(write_pickle(tmp_path / 'model.pkl', content))
    assert_state(checkpoint.tensors)
    assert checkpoint.others == ['__author__', 'matching_heuristics']


@pytest.mark.parametrize('is_zip', [True, False])
def test_torch_file_of_detectron2(tmp_path: Path, is_zip: bool) -> None:
    model = torch.nn.Linear(2, 3)
    optimizer = torch.optim.SGD(model.parameters(), 0.1, momentum=0.9)
    model(torch.ones(1, 2)).sum().backward()
    optimizer.step()
    content = {'model': OrderedDict(STATE), 'optimizer': optimizer.state_dict(), 'iteration': 5}
    checkpoint = read_checkpoint(write_torch(tmp_path / 'model.pth', content, is_zip))
    assert_state(checkpoint.tensors)
    assert checkpoint.others == ['optimizer', 'iteration']


@pytest.mark.parametrize('is_zip', [True, False])
def test_torch_file_of_mmengine_with_its_history(tmp_path: Path, is_zip: bool) -> None:
    history = HistoryBuffer([1.0, 2.0], [1, 1])
    content = {
        'meta': {'epoch': 1, 'cfg': 'model = dict()', 'dataset_meta': {'classes': ('x',)}},
        'state_dict': OrderedDict(STATE),
        'message_hub': {
            'log_scalars': OrderedDict(loss=history),
            'runtime_info': OrderedDict(ap=np.float64(0.5)),
        },
    }
    path = write_torch(tmp_path / 'epoch_1.pth', content, is_zip)
    before = set(torch.serialization.get_safe_globals())
    checkpoint = read_checkpoint(path)
    assert_state(checkpoint.tensors)
    assert checkpoint.others == ['meta', 'message_hub']
    assert set(torch.serialization.get_safe_globals()) == before


@pytest.mark.parametrize('write', [write_torch, write_pickle])
def test_nothing_but_tensors(tmp_path: Path, write) -> None:
    values = STATE if write is write_torch else {k: v.numpy() for k, v in STATE.items()}
    assert_state(read_checkpoint(write(tmp_path / 'x', values)).tensors)


def test_written_file_is_read_by_mmengine(tmp_path: Path) -> None:
    from mmengine.runner import load_checkpoint

    path = tmp_path / 'new' / 'out.pth'
    write_checkpoint(path, STATE, {'config': 'x.py'})
    module = torch.nn.ModuleDict({'a': torch.nn.Linear(3, 2, bias=False)})
    module['a'].register_buffer('count', torch.tensor(0))
    content = load_checkpoint(module, str(path), strict=True)
    assert_state(module.state_dict())
    assert content['meta'] == {'config': 'x.py'}


def test_failed_write_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / 'out.pth'
    path.write_bytes(b'old')
    with pytest.raises(AttributeError):
        write_checkpoint(path, STATE, {'unpicklable': lambda: None})
    assert [file.read_bytes() for file in tmp_path.iterdir()] == [b'old']


class Attack:
    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self):
        return os.system, (f'touch {self.trace}',)


@pytest.mark.parametrize('write', [write_torch, write_pickle])
def test_code_does_not_run(tmp_path: Path, write) -> None:
    path, trace = tmp_path / 'model.pkl', tmp_path / 'ran'
    write(path, {'model': {}, 'x': Attack(trace)})
    with pytest.raises(CheckpointError) as caught:
        read_checkpoint(path)
    assert str(caught.value).startswith(f'{path}: found an import of {os.system.__module__}.system')
    assert not trace.exists()


def test_foreign_class_is_named(tmp_path: Path) -> None:
    path = write_torch(tmp_path / 'x.pth', {'state_dict': STATE, 'meta': Path('a')})
    with pytest.raises(CheckpointError, match=r'x\.pth: found an import of pathlib\S*PosixPath, '):
        read_checkpoint(path)


@pytest.mark.parametrize('write', [write_torch, write_pickle])
@pytest.mark.parametrize('kept', [0, 1, 70, 0.5, 0.99])
def test_truncated_file(tmp_path: Path, write, kept: float) -> None:
    path = write(tmp_path / 'x.pkl', {'model': {'w': torch.zeros(999).numpy()}})
    if write is write_torch:
        write(path, {'model': {'w': torch.zeros(999)}})
    data = path.read_bytes()
    path.write_bytes(data[: int(kept * len(data)) if isinstance(kept, float) else kept])
    with pytest.raises(CheckpointError, match=r'x\.pkl: found no complete checkpoint \('):
        read_checkpoint(path)


@pytest.mark.parametrize(
    'data', [b'model = dict()', b'\x89PNG\r\n\x1a\n', b'PK\x03\x04junk', b'<html>', b'\x80\x04\x95']
)
def test_other_file(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / 'x.pkl'
    path.write_bytes(data)
    with pytest.raises(CheckpointError, match=r'x\.pkl: found no complete checkpoint \('):
        read_checkpoint(path)


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        ([1, 2], 'found a list, expected a dictionary'),
        ({}, "found an empty dictionary, expected 'model', 'state_dict' or tensors by name"),
        ({'net': {}, 'step': 3}, "found 'net', 'step', expected 'model', 'state_dict' or"),
        ({'model': {'a': 3, 'b': []}}, r"found in 'model' 'a': int, 'b': list, expected tensors"),
        ({'model': {'a': np.array(['x'])}}, "a: found an array of type 'U1', expected numbers"),
    ],
)
def test_content_that_is_no_model(tmp_path: Path, content, message: str) -> None:
    path = write_pickle(tmp_path / 'x.pkl', content)
    with pytest.raises(CheckpointError, match=rf'x\.pkl: {message}'):
        read_checkpoint(path)


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_checkpoint(tmp_path / 'none.pkl')
