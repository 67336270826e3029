import pytest
import torch
from torch import Tensor

from mmpointrend.engine.benchmark import extra_bytes, machine, measure, tf32

MEGABYTE = 250_000  # elements of float32


def two_at_once() -> Tensor:
    first = torch.ones(5 * MEGABYTE)
    second = torch.ones(2 * MEGABYTE)
    del first
    return torch.cat((second, torch.ones(MEGABYTE)))


def one_after_the_other() -> None:
    for _ in range(3):
        torch.ones(5 * MEGABYTE)


def with_backward() -> None:
    # The result of exp is kept, its gradient and that of the leaf are two more; the sum is small.
    leaf = torch.zeros(MEGABYTE, requires_grad=True)
    (leaf.exp() * 2).sum().backward()


@pytest.mark.parametrize(
    ('call', 'megabytes'),
    [
        (two_at_once, 7),  # also 6 at the end: 2 and 1, and 3 that join them
        (one_after_the_other, 5),
        (with_backward, 4),
        (lambda: None, 0),
    ],
)
def test_memory_is_the_peak_of_what_a_call_holds(call, megabytes: int) -> None:
    assert extra_bytes(call, 'cpu') / 1e6 == pytest.approx(megabytes, abs=1e-3)


def test_release_of_older_memory_counts_for_nothing() -> None:
    older = []

    def call() -> None:
        older.clear()
        torch.ones(3 * MEGABYTE)

    # What a call leaves behind makes room, at an address that the profiler knows, for what is older
    # than the next call.
    for _ in range(30):
        extra_bytes(lambda: older.append(torch.ones(9 * MEGABYTE)), 'cpu')
        older[:] = [torch.ones(9 * MEGABYTE)]
        assert extra_bytes(call, 'cpu') / 1e6 == pytest.approx(3, abs=1e-3)


def test_calls_take_turns_after_a_warm_up() -> None:
    order = []
    costs = measure({'a': lambda: order.append('a'), 'b': lambda: order.append('b')}, 'cpu', 2)
    assert order[:6] == ['a', 'b'] * 3
    assert all(cost.milliseconds >= 0 and cost.megabytes == 0 for cost in costs.values())


def test_calls_are_timed_with_tf32_whatever_surrounds_them() -> None:
    def allowed() -> tuple[bool, bool]:
        return torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32

    before, seen = allowed(), set()
    with tf32(False):
        assert allowed() == (False, False)
        measure({'a': lambda: seen.add(allowed())}, 'cpu', 1)
    assert seen == {(True, True)}
    assert allowed() == before


def test_machine_names_its_threads_and_versions() -> None:
    assert f'{torch.get_num_threads()} threads, torch {torch.__version__}, mmdet ' in machine('cpu')
