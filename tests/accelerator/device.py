"""A device without hardware: its tensors hold CPU tensors and meet no others.

Mixing devices is an error, as with a GPU, and the numbers are those of the CPU. Making the device
changes torch, mmcv and mmengine for good, so tests on it run in a process of their own.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import mmcv._ext
import torch
from mmengine.structures import InstanceData
from torch import Tensor
from torch.utils import backend_registration
from torch.utils._python_dispatch import TorchDispatchMode, _disable_current_modes
from torch.utils._pytree import tree_leaves, tree_map

NAME = 'mirror'
DEVICE = f'{NAME}:0'
# These read or write a tensor of another device.
CROSSING = ('aten::_to_copy', 'aten::copy_', 'aten::_local_scalar_dense', 'aten::lift_fresh')
# A GPU moves the index of its tensors itself.
INDEXING = ('aten::index', 'aten::index_put_', 'aten::_index_put_impl_')


class DeviceTensor(Tensor):
    """A tensor on the device; ``held`` has its numbers."""

    __torch_function__ = torch._C._disabled_torch_function_impl

    @staticmethod
    def __new__(cls, held: Tensor) -> 'DeviceTensor':
        tensor = torch.Tensor._make_wrapper_subclass(
            cls, held.size(), strides=held.stride(), dtype=held.dtype, device=DEVICE
        )
        tensor.held = held
        return tensor

    @classmethod
    def __torch_dispatch__(
        cls, function: Callable, types: Any, args: tuple = (), kwargs: dict | None = None
    ) -> Any:
        return evaluate(function, args, kwargs or {})

    def numpy(self) -> None:
        raise TypeError(f'found a tensor on {DEVICE}, expected one on the CPU')

    def tolist(self) -> list:
        return self.held.tolist()

    def new_tensor(self, data: Any, **options: Any) -> Tensor:
        numbers = tree_map(lambda x: x.tolist() if isinstance(x, Tensor) else x, data)
        return torch.tensor(numbers, **{'dtype': self.dtype, 'device': DEVICE, **options})


def hold(value: Any) -> Any:
    return DeviceTensor(value) if isinstance(value, Tensor) else value


def release(value: Any) -> Any:
    return value.held if isinstance(value, DeviceTensor) else value


def check(name: str, args: tuple, kwargs: dict) -> bool:
    """Whether an operation is one of the device.

    Raises:
        RuntimeError: When tensors of the device meet those of the CPU.
    """
    tensors = [x for x in tree_leaves((args, kwargs)) if isinstance(x, Tensor)]
    there = [isinstance(x, DeviceTensor) for x in tensors]
    if name in INDEXING and there[0]:
        args = (args[0], *args[2:])
        tensors = [x for x in tree_leaves(args) if isinstance(x, Tensor)]
    # Numbers may come from anywhere.
    here = [x.shape for x in tensors if not isinstance(x, DeviceTensor) and x.ndim]
    if any(there) and here and name not in CROSSING:
        raise RuntimeError(f'{name}: tensors on {DEVICE} meet those of shape {here} on the CPU')
    return any(there)


def evaluate(function: Callable, args: tuple, kwargs: dict) -> Any:
    """Evaluate an operation of torch where its tensors, or its ``device``, are."""
    name = function._schema.name
    on_device = check(name, args, kwargs)
    if kwargs.get('device') is not None:
        on_device = torch.device(kwargs['device']).type == NAME
    if on_device and 'device' in kwargs:
        kwargs = {**kwargs, 'device': 'cpu'}
    with _disable_current_modes():
        result = function(*tree_map(release, args), **tree_map(release, kwargs))
    if function._schema.is_mutable and isinstance(args[0], Tensor):
        return args[0]
    return tree_map(hold, result) if on_device else result


class _Dispatch(TorchDispatchMode):
    def __torch_dispatch__(
        self, function: Callable, types: Any, args: tuple = (), kwargs: dict | None = None
    ) -> Any:
        return evaluate(function, args, kwargs or {})


def of_mmcv(name: str, operator: Callable) -> Callable:
    """An operator of mmcv that knows the device."""

    def run(*args: Any, **kwargs: Any) -> Any:
        on_device = check(name, args, kwargs)
        with _disable_current_modes():
            result = operator(*tree_map(release, args), **tree_map(release, kwargs))
        return tree_map(hold, result) if on_device else result

    return run


@contextmanager
def accelerator() -> Iterator[None]:
    """Make the device, once in a process."""
    backend_registration._setup_privateuseone_for_python_backend(NAME)
    for name, operator in vars(mmcv._ext).items():
        if callable(operator):
            setattr(mmcv._ext, name, of_mmcv(name, operator))
    getitem = InstanceData.__getitem__
    InstanceData.__getitem__ = lambda self, item: getitem(self, release(item))
    torch._C._set_only_lift_cpu_tensors(True)
    with _Dispatch():
        yield
