"""The wheel holds the package and what openmim needs, and nothing else."""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]
SOURCES = ('setup.py', 'pyproject.toml', 'README.md', 'LICENSE', 'model-index.yml')
FOLDERS = ('mmpointrend', 'configs', 'tools')


def files_below(folder: Path) -> set[str]:
    """The sources below a folder, relative to the root; without caches and links."""
    return {
        str(path.relative_to(ROOT))
        for path in folder.rglob('*')
        if path.is_file() and not {'__pycache__', '.mim'} & set(path.parts)
    }


@pytest.fixture(scope='module')
def wheel(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """Names of the files in a wheel, which is built from a copy to leave nothing behind."""
    copy = tmp_path_factory.mktemp('copy')
    for name in SOURCES:
        shutil.copy(ROOT / name, copy)
    for name in FOLDERS:
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns('.mim'))
    options = ('--no-deps', '--no-build-isolation', '--no-index', '--wheel-dir', copy / 'dist')
    command = (sys.executable, '-m', 'pip', 'wheel', '-q', *options, copy)
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    (path,) = (copy / 'dist').glob('mmpointrend-*.whl')
    with zipfile.ZipFile(path) as archive:
        return {name for name in archive.namelist() if '.dist-info/' not in name}


def test_wheel_holds_package_and_mim_files(wheel: set[str]) -> None:
    mim = files_below(ROOT / 'configs') | files_below(ROOT / 'tools') | {'model-index.yml'}
    package = files_below(ROOT / 'mmpointrend')
    assert wheel == package | {f'mmpointrend/.mim/{name}' for name in mim}


def test_model_index_names_existing_files() -> None:
    index = yaml.safe_load((ROOT / 'model-index.yml').read_text())
    assert index['Import']
    assert [name for name in index['Import'] if not (ROOT / name).is_file()] == []
