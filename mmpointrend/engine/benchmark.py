"""Measuring time and memory of functions side by side, for the benchmark scripts."""

import platform
import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import mmdet
import torch
from torch import Tensor
from torch.profiler import ProfilerActivity, profile


class Cost(NamedTuple):
    """What a call takes: its time, and the peak of the memory in tensors that it adds."""

    milliseconds: float
    megabytes: float


def extra_bytes(call: Callable[[], object], device: str) -> int:
    """Measure the memory of a call.

    Args:
        call: What to run, once.
        device: Where its tensors live, ``'cpu'`` or the current CUDA device.

    Returns:
        Peak of the bytes in tensors that it allocates, beyond what is there before.
    """
    if device != 'cpu':
        torch.cuda.synchronize()
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        call()
        torch.cuda.synchronize()
        return torch.cuda.max_memory_allocated() - before
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiler:
        call()
    events = list(profiler.profiler.kineto_results.experimental_event_tree())
    for event in events:
        events.extend(event.children)
    changes = sorted(
        (event.start_time_ns, event.extra_fields.ptr, event.extra_fields.alloc_size)
        for event in events
        if event.name == '[memory]'
    )
    held: dict[int, int] = {}
    peak = now = 0
    for _, address, num_bytes in changes:
        if num_bytes > 0:
            held[address] = num_bytes
            now += num_bytes
            peak = max(peak, now)
        else:
            # Tensors from before the call are not held, and their release changes nothing.
            now -= held.pop(address, 0)
    return peak


@contextmanager
def tf32(allowed: bool) -> Iterator[None]:
    """Let CUDA devices compute convolutions and matrix products of float32 in TF32, or not."""
    convolutions, products = torch.backends.cudnn, torch.backends.cuda.matmul
    before = convolutions.allow_tf32, products.allow_tf32
    convolutions.allow_tf32 = products.allow_tf32 = allowed
    try:
        yield
    finally:
        convolutions.allow_tf32, products.allow_tf32 = before


@tf32(True)
def measure(calls: Mapping[str, Callable[[], object]], device: str, repeat: int) -> dict[str, Cost]:
    """Measure calls that take turns, so that other work on the machine meets all of them.

    All may use TF32, as in training: PyTorch alone lets convolutions use it, matrix products not.

    Args:
        calls: What to run, by name.
        device: As in :func:`extra_bytes`.
        repeat: Timed runs of each, after one that is not.

    Returns:
        Median time and peak memory of each.
    """
    times = {side: [] for side in calls}
    for _ in range(repeat + 1):
        for side, call in calls.items():
            _synchronise(device)
            start = time.perf_counter()
            call()
            _synchronise(device)
            times[side].append(1000 * (time.perf_counter() - start))
    return {
        side: Cost(statistics.median(times[side][1:]), extra_bytes(call, device) / 1e6)
        for side, call in calls.items()
    }


def _synchronise(device: str) -> None:
    if device != 'cpu':
        torch.cuda.synchronize()


def random_boxes(count: int, size: tuple[int, int]) -> Tensor:
    """Draw boxes with sides of 3 to 30 % of an image (H, W), in pixels, shape (R, 4)."""
    height, width = size
    corners = 0.7 * torch.rand(count, 2)
    sides = 0.03 + 0.27 * torch.rand(count, 2)
    scale = torch.tensor([width, height, width, height])
    return torch.cat((corners, corners + sides), 1) * scale


def machine(device: str) -> str:
    """Name the device, how it computes in float32, and the versions of torch and mmdet."""
    if device == 'cpu':
        name = f'{_processor()}, {torch.get_num_threads()} threads'
    else:
        name = f'{torch.cuda.get_device_name(device)}, TF32'
    return f'{name}, torch {torch.__version__}, mmdet {mmdet.__version__}'


def _processor() -> str:
    info = Path('/proc/cpuinfo')
    if info.is_file():
        for line in info.read_text().splitlines():
            if line.startswith('model name'):
                return line.partition(':')[2].strip()
    return platform.processor() or platform.machine()


def table_header(theirs: str) -> list[str]:
    """The first two lines of a Markdown table that compares ours with another side."""
    names = ('', f'{theirs} ms', 'ours ms', 'times faster', f'{theirs} MB', 'ours MB', 'times less')
    return [f'| {" | ".join(names)} |', f'| --- |{" ---: |" * (len(names) - 1)}']


def table_row(name: str, ours: Cost, theirs: Cost | None = None) -> str:
    """A line of that table; cells of a side that was not measured are empty."""
    cells = [name]
    for mine, other in zip(ours, theirs or (None, None), strict=True):
        cells += ['-' if other is None else f'{other:.1f}', f'{mine:.1f}']
        cells.append('-' if other is None or not mine else f'{other / mine:.2f}')
    return f'| {" | ".join(cells)} |'
