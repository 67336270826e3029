"""Values of files that may hold anything."""

import contextlib
from collections.abc import Iterator
from typing import Any

from ..schema import PointAnnotationError, as_numbers, short_repr

_KINDS = {
    dict: 'an object',
    list: 'a list',
    str: 'a text',
    int: 'an integer',
    bool: 'true or false',
}


@contextlib.contextmanager
def expecting(source: Any, expected: str) -> Iterator[None]:
    """Turn what a file of another structure leads to into one error that names the file."""
    try:
        yield
    except PointAnnotationError:
        raise
    except (KeyError, IndexError, TypeError, ValueError, AttributeError) as cause:
        found = f'no {cause}' if isinstance(cause, KeyError) else str(cause)
        raise PointAnnotationError(f'{source}: found {found}, expected {expected}') from cause


def entry(item: Any, key: str, kind: type) -> Any:
    """Return ``item[key]`` of a JSON file that may hold anything.

    Args:
        item: A JSON object.
        key: The key.
        kind: What the value must be: dict, list, str, int or bool.

    Raises:
        KeyError: There is no such key.
        ValueError: The item is no object, or the value something else.
    """
    if not isinstance(item, dict):
        raise ValueError(f'{short_repr(item)} in place of an object')
    if not isinstance(item[key], kind):
        raise ValueError(f'{key} {short_repr(item[key])} in place of {_KINDS[kind]}')
    return item[key]


def optional(item: Any, key: str, kind: type, default: Any = None) -> Any:
    """Return the same, or ``default`` where the key is missing or its value null."""
    if isinstance(item, dict) and item.get(key) is None:
        return default
    return entry(item, key, kind)


def numbers(values: Any, count: int) -> list[float]:
    """Return ``count`` numbers of a file that may hold anything.

    Raises:
        ValueError: They are something else.
    """
    array = as_numbers(values)
    if array is None or array.shape != (count,):
        raise ValueError(f'{short_repr(values)} in place of {count} numbers')
    return array.tolist()
