"""Checkpoint files: read without running what is in them, written completely or not at all."""

import os
import re
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from .unpickling import PickledArray, load_arrays

# What OpenMMLab's checkpoints hold beside tensors: the history of the log, which refers to its own
# methods, and numbers of numpy.
MEANINGLESS = [
    'mmengine.logging.history_buffer.HistoryBuffer',
    'builtins.getattr',
    '__builtin__.getattr',
    'numpy.ndarray',
    'numpy.dtype',
    'numpy.core.multiarray._reconstruct',
    'numpy._core.multiarray._reconstruct',
    'numpy.core.multiarray.scalar',
    'numpy._core.multiarray.scalar',
]


class CheckpointError(ValueError):
    """A checkpoint cannot be read, or cannot become one of ours."""


@dataclass(frozen=True)
class Checkpoint:
    """Content of a checkpoint file.

    Attributes:
        tensors: The model's parameters and buffers by name.
        others: Names of the other entries of the file, such as ``optimizer``.
    """

    tensors: dict[str, Tensor]
    others: list[str]


def read_checkpoint(path: str | Path) -> Checkpoint:
    """Read a checkpoint of detectron2 or of OpenMMLab.

    Its content decides how it is read, whatever its name: a file of :func:`torch.save` with
    ``weights_only=True``, any other pickle by :func:`.load_arrays`. Neither runs code of the file.

    Args:
        path: The file.

    Returns:
        The tensors of its ``model`` (detectron2) or ``state_dict`` (OpenMMLab), or of the whole
        file where it is nothing but tensors by name. They are read-only.

    Raises:
        FileNotFoundError: There is no such file.
        CheckpointError: It is no checkpoint, is incomplete, or imports something that is neither an
            array nor a container. The message names the file and, in the last case, the import.
    """
    path = Path(path)
    with path.open('rb') as file:
        head = file.read(64)
    is_zip = head.startswith(b'PK')
    is_torch = is_zip or torch.serialization.MAGIC_NUMBER.to_bytes(10, 'little') in head
    try:
        content = _load_torch(path, is_zip) if is_torch else _load_pickle(path)
    # Broken pickles raise almost anything.
    except Exception as error:
        raise CheckpointError(f'{path}: {_reason(error)}') from error
    return _pick_model(content, path)


def write_checkpoint(path: str | Path, tensors: Mapping[str, Tensor], meta: dict[str, Any]) -> None:
    """Write a checkpoint as mmengine reads it; the file is either complete or not there.

    Args:
        path: Where to write; an existing file is replaced. Missing folders are made.
        tensors: The state of a model.
        meta: What to tell about it, in plain containers.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f'.{path.name}.{os.getpid()}.partial')
    try:
        torch.save({'meta': meta, 'state_dict': dict(tensors)}, partial)
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def _load_pickle(path: Path) -> Any:
    with path.open('rb') as file:
        return load_arrays(file)


def _load_torch(path: Path, is_zip: bool) -> Any:
    with _without_meaning(MEANINGLESS):
        # Mapped, the state of an optimizer, which nobody reads, costs no memory.
        return torch.load(path, map_location='cpu', weights_only=True, mmap=is_zip)


@contextmanager
def _without_meaning(names: list[str]) -> Iterator[None]:
    """Let files name these globals; each is an object without content."""
    before = list(torch.serialization.get_safe_globals())
    torch.serialization.add_safe_globals([_empty_class(*name.rsplit('.', 1)) for name in names])
    try:
        yield
    finally:
        torch.serialization.clear_safe_globals()
        torch.serialization.add_safe_globals(before)


def _empty_class(module: str, name: str) -> type:
    def ignore(self: Any, *args: Any) -> None:
        pass

    return type(name, (), {'__module__': module, '__init__': ignore, '__setstate__': ignore})


def _reason(error: Exception) -> str:
    """One line on what is wrong with a file; torch's own goes on to advise trusting it."""
    text = str(error)
    refused = re.search(r'GLOBAL (\S+)', text) or re.match(r'it imports (\S+),', text)
    if refused:
        return f'found an import of {refused[1]}, expected tensors and plain containers only'
    first_line = text.partition('\n')[0]
    return (
        f'found no complete checkpoint ({type(error).__name__}: {first_line}), expected a .pkl of '
        'detectron2 or a .pth of detectron2, mmdet or mmseg'
    )


def _pick_model(content: Any, path: Path) -> Checkpoint:
    if not isinstance(content, dict):
        raise CheckpointError(f'{path}: found a {type(content).__name__}, expected a dictionary')
    key = next((key for key in ('model', 'state_dict') if isinstance(content.get(key), dict)), None)
    model = content if key is None else content[key]
    tensors = {name: _tensor(value, name, path) for name, value in model.items()}
    strange = [name for name, value in tensors.items() if not isinstance(value, Tensor)]
    if key is None and (strange or not tensors):
        keys = ', '.join(map(repr, list(content)[:10])) or 'an empty dictionary'
        raise CheckpointError(
            f"{path}: found {keys}, expected 'model', 'state_dict' or tensors by name"
        )
    if strange:
        kinds = ', '.join(f'{name!r}: {type(model[name]).__name__}' for name in strange)
        raise CheckpointError(f'{path}: found in {key!r} {kinds}, expected tensors only')
    others = [] if key is None else [str(name) for name in content if name != key]
    return Checkpoint(tensors, others)


def _tensor(value: Any, name: str, path: Path) -> Any:
    if not isinstance(value, PickledArray):
        return value
    with warnings.catch_warnings():
        # Nobody writes to it.
        warnings.filterwarnings('ignore', message='The given NumPy array is not writable')
        try:
            return torch.from_numpy(value.numpy())
        # As broken as a file can be, so can be what it says about its arrays.
        except Exception as error:
            raise CheckpointError(f'{path}: {name}: {error}') from error
