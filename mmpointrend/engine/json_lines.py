"""Results of long work, one JSON object per line, that survive its end at any moment."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any


class JsonLines:
    """An append-only file; what is appended is on disk before the next line begins.

    Args:
        path: The file. What it has is kept, but for a line that was cut off.
    """

    def __init__(self, path: str | Path) -> None:
        path = Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        complete = path.read_bytes().rpartition(b'\n')[:2] if path.exists() else ()
        self._file = path.open('r+b' if complete else 'wb')
        self._file.truncate(sum(map(len, complete)))
        self._file.seek(0, 2)

    def append(self, value: Any) -> None:
        """Write one line."""
        self._file.write(json.dumps(value).encode() + b'\n')
        self._file.flush()

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def read_json_lines(path: str | Path) -> Iterator[Any]:
    """Read the complete lines of a file, also while another process appends to it."""
    for line in Path(path).read_bytes().split(b'\n')[:-1]:
        yield json.loads(line)
