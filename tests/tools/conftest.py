import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

HERE = Path(__file__).parent
TOOLS = HERE.parents[1] / 'tools'


@pytest.fixture
def script(request: pytest.FixtureRequest) -> ModuleType:
    """The script in tools/ that the test module is named after, in the same folder."""
    name = request.path.stem.removeprefix('test_')
    path = TOOLS / request.path.parent.relative_to(HERE) / f'{name}.py'
    spec = importlib.util.spec_from_file_location(f'tool_{name}', path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def run(script: ModuleType, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Run the script with these arguments; it ends with SystemExit where it fails."""

    def run_main(*args: object) -> None:
        monkeypatch.setattr(sys, 'argv', [script.__file__, *map(str, args)])
        script.main()

    return run_main
