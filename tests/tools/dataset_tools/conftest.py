import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

TOOLS = Path(__file__).parents[3] / 'tools' / 'dataset_tools'


@pytest.fixture
def tool(request: pytest.FixtureRequest) -> ModuleType:
    """The script that the test module is named after."""
    name = request.module.__name__.rpartition('.')[2].removeprefix('test_')
    spec = importlib.util.spec_from_file_location(f'dataset_tool_{name}', TOOLS / f'{name}.py')
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def run(tool: ModuleType, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Run the script with these arguments; it ends with SystemExit where it fails."""

    def run_main(*args: object) -> None:
        monkeypatch.setattr(sys, 'argv', [tool.__file__, *map(str, args)])
        tool.main()

    return run_main
