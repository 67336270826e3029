"""The check of the packages below: what it accepts, and the one line it gives otherwise."""

import sys

import mmcv
import mmdet
import mmengine
import pytest

from mmpointrend.stack import check_stack, has_mmseg


def test_accepts_the_installed_stack() -> None:
    check_stack()


@pytest.mark.parametrize('name', ['mmengine', 'mmcv', 'mmdet'])
def test_absent_package(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(RuntimeError, match=rf'needs {name} >= [\d.]+ \(found none\)') as error:
        check_stack()
    assert 'docs/install.md' in str(error.value)
    assert '\n' not in str(error.value)


@pytest.mark.parametrize(
    ('module', 'version'), [(mmengine, '0.10.6'), (mmcv, '2.0.1'), (mmdet, '3.2.0')]
)
def test_too_old(module: object, version: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, '__version__', version)
    with pytest.raises(RuntimeError, match=rf'\(found {version}\)'):
        check_stack()


@pytest.mark.parametrize('version', ['3.3.0', '3.3.0rc1', '3.10', '10.0.0+cpu'])
def test_recent_enough(version: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mmdet, '__version__', version)
    check_stack()


def test_mmcv_without_operators(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, 'mmcv._ext', None)
    with pytest.raises(RuntimeError, match=r'compiled operators of mmcv.*--no-build-isolation'):
        check_stack()


def test_package_whose_import_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, 'mmdet')

    class Refusing:
        def find_spec(self, name: str, path: object = None, target: object = None) -> None:
            if name == 'mmdet':
                raise AssertionError('MMCV==9.9.9 is used but incompatible.')

    monkeypatch.setattr(sys, 'meta_path', [Refusing(), *sys.meta_path])
    with pytest.raises(RuntimeError, match=r'MMCV==9\.9\.9 is used but incompatible'):
        check_stack()


def test_mmseg_may_be_absent(
    monkeypatch: pytest.MonkeyPatch, recwarn: pytest.WarningsRecorder
) -> None:
    monkeypatch.setitem(sys.modules, 'mmseg', None)
    assert not has_mmseg()
    assert not recwarn
