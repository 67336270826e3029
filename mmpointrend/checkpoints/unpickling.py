"""Reading a pickle of arrays without trusting it.

A pickle is a program: it calls whatever its reader lets it import. Here it can import the names
below and nothing else, and they stand for the classes of this module, so that not even numpy sees
what the file wants its arrays to be; it gets their raw values.
"""

import pickle
from collections import OrderedDict
from typing import Any, BinaryIO

import numpy as np


def load_arrays(file: BinaryIO) -> Any:
    """Read a pickle that holds numpy arrays and plain containers only.

    Args:
        file: An open file; of python 2 or 3, numpy 1 or 2, in any protocol.

    Returns:
        The content; each array is a :class:`PickledArray`.

    Raises:
        pickle.UnpicklingError: The file imports anything else; the message names it, and nothing
            of it was called. Broken files raise other errors, too, as :mod:`pickle` does.
    """
    return _ArrayUnpickler(file, encoding='latin1').load()


class PickledArray:
    """What a pickle says about an array: shape, type, memory order, values."""

    def __setstate__(self, state: tuple) -> None:
        _version, self._shape, self._dtype, is_fortran, self._values = state
        self._order = 'F' if is_fortran else 'C'

    def numpy(self) -> np.ndarray:
        """Make the array.

        Returns:
            A read-only array of native byte order.

        Raises:
            ValueError: Its type is no number, or its values do not fill its shape.
        """
        # A string of python 2 arrives as the characters of the same codes.
        raw = self._values.encode('latin1') if isinstance(self._values, str) else self._values
        values = np.frombuffer(raw, self._dtype.numpy()).reshape(self._shape, order=self._order)
        return values.astype(values.dtype.newbyteorder('='), copy=False)


class _PickledType:
    """What a pickle says about a type: a code such as ``f4``, and a byte order."""

    def __init__(self, code: str, *_: Any) -> None:
        self._code, self._byte_order = code, '='

    def __setstate__(self, state: tuple) -> None:
        self._byte_order = state[1]

    def numpy(self) -> np.dtype:
        dtype = np.dtype(str(self._code))
        if dtype.kind not in 'biuf':
            raise ValueError(f'found an array of type {self._code!r}, expected numbers')
        return dtype.newbyteorder(self._byte_order)


def _reconstruct(*_: Any) -> PickledArray:
    return PickledArray()


def _frombuffer(values: bytes, dtype: _PickledType, shape: tuple, order: str) -> PickledArray:
    array = PickledArray()
    array.__setstate__((1, shape, dtype, order == 'F', values))
    return array


def _encode(text: str, encoding: str) -> bytes:
    """How protocols below 3 hold bytes; the file does not choose the codec."""
    if encoding != 'latin1':
        raise pickle.UnpicklingError(f'bytes are encoded as {encoding!r}, expected latin1')
    return text.encode('latin1')


_ALLOWED = {
    'collections.OrderedDict': OrderedDict,
    '_codecs.encode': _encode,
    'numpy.ndarray': PickledArray,
    'numpy.dtype': _PickledType,
    # Numpy 2 renamed the package.
    'numpy.core.multiarray._reconstruct': _reconstruct,
    'numpy._core.multiarray._reconstruct': _reconstruct,
    'numpy.core.numeric._frombuffer': _frombuffer,
    'numpy._core.numeric._frombuffer': _frombuffer,
}


class _ArrayUnpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if f'{module}.{name}' not in _ALLOWED:
            raise pickle.UnpicklingError(
                f'it imports {module}.{name}, expected numpy arrays and plain containers only'
            )
        return _ALLOWED[f'{module}.{name}']
