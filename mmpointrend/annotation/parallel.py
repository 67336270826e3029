"""The same work on many items, in several processes."""

import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

Item = TypeVar('Item')
Result = TypeVar('Result')

_work: Callable[[Any], Any]


def num_cores() -> int:
    """Return the number of cores that this process may use."""
    if hasattr(os, 'sched_getaffinity'):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def parallel_map(
    work: Callable[[Item], Result], items: Sequence[Item], workers: int | None = None
) -> Iterator[Result]:
    """Call a function on every item.

    Args:
        work: A function that can be pickled. What comes with it, as with a ``partial``, is there
            once in each process and not sent with the items.
        items: What it is called with.
        workers: Number of processes; :func:`num_cores` by default. With 1 it is this process.

    Yields:
        The results, in the order of the items.
    """
    workers = num_cores() if workers is None else workers
    if workers == 1:
        yield from map(work, items)
        return
    with multiprocessing.Pool(workers, _set_work, (work,)) as pool:
        yield from pool.imap(_do_work, items)


def _set_work(work: Callable[[Item], Result]) -> None:
    global _work
    _work = work


def _do_work(item: Item) -> Result:
    return _work(item)
