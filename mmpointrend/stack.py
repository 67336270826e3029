"""Checks that the OpenMMLab packages below mmpointrend are there, recent enough and complete."""

import warnings
from importlib import import_module

# Lower bounds only. Both families of packages, OpenMMLab's and its continuation onedl, import
# under these names, so the modules are asked and not the names of the distributions.
MINIMUM_VERSIONS = {'mmengine': '0.10.7', 'mmcv': '2.1.0', 'mmdet': '3.3.0'}
MINIMUM_MMSEG = '1.2.2'

ADVICE = (
    "Install torch, then: pip install --no-build-isolation 'mmpointrend[onedl]' "
    '(or [openmmlab], the older stack); see docs/install.md.'
)


def check_stack() -> None:
    """Check mmengine, mmcv with its compiled operators, and mmdet.

    Raises:
        RuntimeError: A package is absent, too old, does not import, or mmcv has no operators. One
            line says what was found and what to install. It is no ``ImportError``, because the
            registries of mmengine swallow those while they import a scope.
    """
    for name, minimum in MINIMUM_VERSIONS.items():
        found = _check_package(name, minimum)
        if name == 'mmcv':
            _check_operators(found)


def has_mmseg() -> bool:
    """Tell whether there is an mmseg to build semantic segmentation on.

    Instance segmentation does without it. One that is installed but cannot be used is reported by
    a warning of one line.
    """
    try:
        _check_package('mmseg', MINIMUM_MMSEG, probe='mmseg.models')
    except RuntimeError as error:
        if not _is_absent('mmseg', error.__cause__):
            warnings.warn(f'No semantic segmentation: {error}', stacklevel=2)
        return False
    return True


def _check_package(name: str, minimum: str, probe: str | None = None) -> str:
    """Import a package, and a module of it that imports more; return its version."""
    try:
        found = import_module(name).__version__
        import_module(probe or name)
    # mmdet 3.3 and mmseg 1.2 assert on the version of mmcv while they are imported.
    except (ImportError, AssertionError) as error:
        reason = 'found none' if _is_absent(name, error) else f'its import fails: {error}'
        raise RuntimeError(_message(f'{name} >= {minimum}', reason)) from error
    if _release(found) < _release(minimum):
        raise RuntimeError(_message(f'{name} >= {minimum}', f'found {found}'))
    return found


def _is_absent(name: str, error: BaseException | None) -> bool:
    return isinstance(error, ModuleNotFoundError) and error.name == name


def _check_operators(version: str) -> None:
    # The operators link against libtorch, which must be loaded before them.
    import_module('torch')
    try:
        import_module('mmcv._ext')
    except ImportError as error:
        reason = f'mmcv {version} was built without torch, or for another one: {error}'
        raise RuntimeError(_message('the compiled operators of mmcv', reason)) from error


def _release(version: str) -> tuple[int, ...]:
    """The leading numbers of a version: '2.1.0rc4+cpu' gives (2, 1, 0)."""
    numbers = []
    for part in version.split('.')[:3]:
        digits = part[: len(part) - len(part.lstrip('0123456789'))]
        if not digits:
            break
        numbers.append(int(digits))
    return tuple(numbers)


def _message(needed: str, found: str) -> str:
    return f'mmpointrend needs {needed} ({found}). {ADVICE}'
