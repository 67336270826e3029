"""Checks that the OpenMMLab packages below mmpointrend are there, recent enough and complete."""

from importlib import import_module

# Lower bounds only. Both families of packages, OpenMMLab's and its continuation onedl, import
# under these names, so the modules are asked and not the names of the distributions.
MINIMUM_VERSIONS = {'mmengine': '0.10.7', 'mmcv': '2.1.0', 'mmdet': '3.3.0'}

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
        try:
            found = import_module(name).__version__
        except ModuleNotFoundError as error:
            reason = 'found none' if error.name == name else f'its import fails: {error}'
            raise RuntimeError(_message(f'{name} >= {minimum}', reason)) from error
        # mmdet 3.3 asserts on the version of mmcv while it is imported.
        except (ImportError, AssertionError) as error:
            reason = f'its import fails: {error}'
            raise RuntimeError(_message(f'{name} >= {minimum}', reason)) from error
        if _release(found) < _release(minimum):
            raise RuntimeError(_message(f'{name} >= {minimum}', f'found {found}'))
        if name == 'mmcv':
            _check_operators(found)


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
