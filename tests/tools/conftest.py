import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

TOOLS = Path(__file__).parents[2] / 'tools'


@pytest.fixture
def script(request: pytest.FixtureRequest) -> ModuleType:
    """The script in tools/ that the test module is named after."""
    name = request.module.__name__.rpartition('.')[2].removeprefix('test_')
    spec = importlib.util.spec_from_file_location(f'tool_{name}', TOOLS / f'{name}.py')
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
