import sys
from collections.abc import Callable
from types import ModuleType

import pytest


@pytest.fixture
def run(script: ModuleType, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Run the script with these arguments; it ends with SystemExit where it fails."""

    def run_main(*args: object) -> None:
        monkeypatch.setattr(sys, 'argv', [script.__file__, *map(str, args)])
        script.main()

    return run_main
