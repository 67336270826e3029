"""The reader of untrusted pickles: what it reads, and what it refuses without running it."""

import codecs
import io
import os
import pickle
import pickletools

import numpy as np
import pytest

from mmpointrend.checkpoints.unpickling import load_arrays

ARRAYS = {
    'weight': np.arange(6, dtype=np.float32).reshape(2, 3),
    'fortran': np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    'big endian': np.arange(3, dtype='>f4'),
    'half': np.arange(3, dtype=np.float16),
    'count': np.array(7),
    'flags': np.array([True, False]),
    'bytes': np.arange(256).astype(np.uint8),
}


def load(data: bytes):
    return load_arrays(io.BytesIO(data))


@pytest.mark.parametrize('protocol', range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize('name', ARRAYS)
def test_arrays_of_every_protocol(name: str, protocol: int) -> None:
    array = ARRAYS[name]
    read = load(pickle.dumps({'x': array}, protocol))['x'].numpy()
    np.testing.assert_array_equal(read, array)
    assert read.dtype == array.dtype.newbyteorder('=')
    assert read.dtype.isnative


@pytest.mark.parametrize('package', ['numpy.core', 'numpy._core'])
@pytest.mark.parametrize('protocol', [2, 5])
def test_arrays_of_both_generations_of_numpy(package: str, protocol: int) -> None:
    data = pickle.dumps(ARRAYS['weight'], protocol)
    for own in (b'numpy._core', b'numpy.core'):
        old = {2: b'c%s.', 5: b'%s.'}[protocol] % own
        new = {2: b'c%s.', 5: b'%s.'}[protocol] % package.encode()
        if old in data:
            data = rename_global(data, old, new, protocol)
            break
    assert package.encode() in data
    np.testing.assert_array_equal(load(data).numpy(), ARRAYS['weight'])


def rename_global(data: bytes, old: bytes, new: bytes, protocol: int) -> bytes:
    """Change a name in a pickle, and its length where that stands before it."""
    if protocol < 4:
        return data.replace(old, new)
    start = data.index(old)
    length = data[start - 1] + len(new) - len(old)
    data = data[: start - 1] + bytes([length]) + new + data[start + len(old) :]
    # The frame around it has a length, too; a pickle may go without.
    return data[:2] + data[11:]


def test_array_of_python_2() -> None:
    # What cPickle of python 2 wrote for {'w': numpy.array([1, -2], 'float32')}, protocol 2.
    data = (
        b'\x80\x02}q\x01U\x01wcnumpy.core.multiarray\n_reconstruct\nq\x02cnumpy\nndarray\nq\x03'
        b'K\x00\x85U\x01b\x87Rq\x04(K\x01K\x02\x85cnumpy\ndtype\nq\x05U\x02f4K\x00K\x01\x87Rq\x06'
        b'(K\x03U\x01<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89U\x08'
        b'\x00\x00\x80?\x00\x00\x00\xc0tbs.'
    )
    np.testing.assert_array_equal(load(data)['w'].numpy(), np.array([1, -2], np.float32))


class Call:
    def __init__(self, function, *args) -> None:
        self.call = function, args

    def __reduce__(self):
        return self.call


def test_code_is_refused_and_does_not_run(tmp_path) -> None:
    trace = tmp_path / 'ran'
    data = pickle.dumps({'model': Call(os.system, f'touch {trace}')})
    with pytest.raises(pickle.UnpicklingError, match=r'imports \w+\.system, expected numpy arrays'):
        load(data)
    assert not trace.exists()
    pickle.loads(data)
    assert trace.exists(), 'the file must be one that does run code'


@pytest.mark.parametrize(
    'function', [eval, getattr, np.load, np.frombuffer, np.ndarray.tofile, pickle.loads]
)
def test_functions_of_allowed_packages_are_refused(function) -> None:
    data = pickle.dumps(Call(function, 'x'), 2)
    names = [name for opcode, name, _ in pickletools.genops(data) if opcode.name == 'GLOBAL']
    with pytest.raises(pickle.UnpicklingError, match='it imports ' + names[0].replace(' ', '.')):
        load(data)


def test_codec_is_not_chosen_by_the_file() -> None:
    with pytest.raises(pickle.UnpicklingError, match="encoded as 'rot13', expected latin1"):
        load(pickle.dumps(Call(codecs.encode, 'x', 'rot13'), 2))


@pytest.mark.parametrize('dtype', ['O', 'U3', 'f4,f4', 'M8[s]'])
def test_only_numbers(dtype: str) -> None:
    array = load(pickle.dumps(np.zeros(2, dtype)))
    with pytest.raises(ValueError, match='expected numbers'):
        array.numpy()


def test_values_must_fill_the_shape() -> None:
    data = pickle.dumps(np.zeros((2, 3), np.uint8), 2).replace(b'K\x02K\x03\x86', b'K\x02K\x04\x86')
    array = load(data)
    with pytest.raises(ValueError, match='cannot reshape'):
        array.numpy()
