"""The same work on many items, in several processes."""

import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

Item = TypeVar('Item')
Result = TypeVar('Result')

_work: Callable[[Any], Any]


def parallel_map(
    work: Callable[[Item], Result], items: Sequence[Item], workers: int | None = None
) -> Iterator[Result]:
    """Call a function on every item.

    Args:
        work: A function that can be pickled. What comes with it, as with a ``partial``, is there
            once in each process and not sent with the items.
        items: What it is called with.
        workers: Number of processes; one per core by default. With 1 it is this process.

    Yields:
        The results, in the order of the items.
    """
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
