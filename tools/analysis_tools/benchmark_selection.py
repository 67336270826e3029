"""Time and memory of point selection on a mask: ours and the published procedure in loops, one
process.

The published procedure draws the near share of the points anywhere and drops those whose square of
pixels holds one label only, so fewer points come back than were asked for. It is written here
twice: 'first' looks at the square of every point, 'accelerated' looks at the square of every pixel
once and then looks the points up. Times are medians of the CPU time of this process, all threads
together, so that other work on the machine disturbs them little; the sides take turns.
"""

import argparse
import multiprocessing
import resource
import statistics
import sys
import time
from collections.abc import Callable
from functools import partial

import numpy as np
import torch

from mmpointrend.points import boundary_band, select_mask_points

BETA, NEIGHBORHOOD = 0.75, 1
COMPARED = (196, 1_960, 19_600, 196_000)
LARGE = (196_000, 1_960_000, 19_600_000)
MEMORY_SIDE, MEMORY_POINTS = 4096, 196_000


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--side', type=int, default=256, help='of the mask, in pixels')
    parser.add_argument('--points', type=int, nargs='+', default=COMPARED, help='to compare')
    parser.add_argument('--large', type=int, nargs='*', default=LARGE, help='to time ours alone')
    parser.add_argument(
        '--repeat',
        type=int,
        default=15,
        help="runs of ours; a third of 'accelerated', a fifth of 'first'",
    )
    parser.add_argument('--memory-side', type=int, default=MEMORY_SIDE)
    return parser.parse_args()


def disc(side: int) -> np.ndarray:
    """A disc in the middle of a square mask, uint8."""
    y, x = np.ogrid[:side, :side]
    return ((x - side / 2) ** 2 + (y - side / 2) ** 2 < (0.3 * side) ** 2).astype(np.uint8)


def first(mask: np.ndarray, num_points: int, rng: np.random.Generator) -> np.ndarray:
    """The published procedure: the square around every point, one by one."""
    near = []
    for point in rng.uniform((0, 0), mask.shape, (int(BETA * num_points), 2)):
        row, column = point.astype(int)
        padded = np.pad(mask, NEIGHBORHOOD, 'edge')
        square = padded[row : row + 2 * NEIGHBORHOOD + 1, column : column + 2 * NEIGHBORHOOD + 1]
        if square.max() != square.min():
            near.append(point)
    return with_rest(near, mask, num_points, rng)


def accelerated(mask: np.ndarray, num_points: int, rng: np.random.Generator) -> np.ndarray:
    """The published procedure: the square around every pixel once, then every point looked up."""
    padded = np.pad(mask, NEIGHBORHOOD, 'edge')
    spread = np.zeros(mask.shape)
    for row, column in np.ndindex(*mask.shape):
        square = padded[row : row + 2 * NEIGHBORHOOD + 1, column : column + 2 * NEIGHBORHOOD + 1]
        spread[row, column] = square.max() - square.min()
    near = []
    for point in rng.uniform((0, 0), mask.shape, (int(BETA * num_points), 2)):
        if spread[int(point[0]), int(point[1])] > 0:
            near.append(point)
    return with_rest(near, mask, num_points, rng)


def with_rest(
    near: list[np.ndarray], mask: np.ndarray, num_points: int, rng: np.random.Generator
) -> np.ndarray:
    """Add the uniform share, point by point; (row, column), shape (P', 2)."""
    for point in rng.uniform((0, 0), mask.shape, (num_points - int(BETA * num_points), 2)):
        near.append(point)
    return np.array(near)


def ours(mask: np.ndarray, num_points: int) -> np.ndarray:
    return select_mask_points(mask, num_points, beta=BETA, neighborhood=NEIGHBORHOOD)


def check(mask: np.ndarray) -> None:
    """Check that all sides choose points of the same pixels.

    Raises:
        SystemExit: They do not.
    """
    num_points = 100 * mask.size
    share = int(BETA * num_points)
    near = np.floor(ours(mask, num_points)[:share]).astype(int)
    looked_up = accelerated(mask, num_points, np.random.default_rng(0))
    dropped = num_points - len(looked_up)
    theirs = np.floor(looked_up[: share - dropped]).astype(int)
    one_by_one = np.floor(first(mask, 20_000, np.random.default_rng(0))[:-5_000]).astype(int)
    band = set(zip(*np.nonzero(boundary_band(mask, NEIGHBORHOOD)), strict=True))
    for name, found, complete in (
        ('ours', set(map(tuple, near[:, ::-1])), True),
        ('accelerated', set(map(tuple, theirs)), True),
        ('first', set(map(tuple, one_by_one)), False),
    ):
        if found - band or (complete and found != band):
            raise SystemExit(f'error: {name}: near points are not those of the same band')


def median_ms(calls: dict[str, tuple[Callable[[], object], int]]) -> dict[str, float]:
    """Median CPU milliseconds of each call; they take turns, each as often as it says."""
    times = {name: [] for name in calls}
    for turn in range(max(repeat for _, repeat in calls.values())):
        for name, (call, repeat) in calls.items():
            if turn < repeat:
                start = time.process_time()
                call()
                times[name].append(1000 * (time.process_time() - start))
    return {name: statistics.median(found) for name, found in times.items()}


def peak_rss() -> float:
    """Largest resident memory of this process so far, in MB."""
    unit = 1e6 if sys.platform == 'darwin' else 1e3  # bytes there, KiB on Linux
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def memory_masks(side: int) -> dict[str, Callable[[], np.ndarray]]:
    """Masks by name, the worst for memory among them."""
    return {
        'disc': lambda: disc(side),
        'one label': lambda: np.zeros((side, side), np.uint8),
        'noise': lambda: np.random.default_rng(0).integers(0, 2, (side, side), np.uint8),
        'soft': lambda: np.random.default_rng(0).random((side, side), np.float32),
    }


def measure_memory(name: str, side: int, queue: multiprocessing.Queue) -> None:
    """Report milliseconds and the growth of this process in MB for one call on a large mask."""
    mask = memory_masks(side)[name]()
    ours(disc(64), 1000)
    before, start = peak_rss(), time.process_time()
    ours(mask, MEMORY_POINTS)
    queue.put((1000 * (time.process_time() - start), peak_rss() - before))


def compare(args: argparse.Namespace) -> None:
    mask = disc(args.side)
    check(disc(32))
    print(
        f'\n{args.side} x {args.side}, beta {BETA}, neighborhood {NEIGHBORHOOD}, CPU milliseconds'
    )
    print(
        f'{"asked":>8}{"first":>10}{"accelerated":>13}{"(returned)":>12}{"ours":>8}{"(returned)":>12}'
        f'{"x first":>10}{"x accelerated":>15}'
    )
    for number in args.points:
        rng = np.random.default_rng(0)
        calls = {
            'ours': (partial(ours, mask, number), args.repeat),
            'accelerated': (partial(accelerated, mask, number, rng), max(args.repeat // 3, 1)),
            'first': (partial(first, mask, number, rng), max(args.repeat // 5, 1)),
        }
        ms = median_ms(calls)
        found = len(accelerated(mask, number, rng))
        print(
            f'{number:>8}{ms["first"]:>10.1f}{ms["accelerated"]:>13.1f}{found:>12}{ms["ours"]:>8.2f}'
            f'{len(ours(mask, number)):>12}{ms["first"] / ms["ours"]:>10.0f}'
            f'{ms["accelerated"] / ms["ours"]:>15.0f}',
            flush=True,
        )


def scale(args: argparse.Namespace) -> None:
    mask = disc(args.side)
    print('\nours, more points')
    for number in args.large:
        ms = median_ms({'ours': (partial(ours, mask, number), max(args.repeat // 3, 1))})['ours']
        print(f'{number:>10}{ms:>10.1f} ms{1e6 * ms / number:>8.1f} ns per point', flush=True)


def memory(args: argparse.Namespace) -> None:
    side = args.memory_side
    print(f'ours, {MEMORY_POINTS} points of {side} x {side}, each in a process of its own')
    context = multiprocessing.get_context('spawn')
    for name in memory_masks(1):
        queue = context.SimpleQueue()
        process = context.Process(target=measure_memory, args=(name, side, queue))
        process.start()
        process.join()
        if process.exitcode:
            raise SystemExit(f'error: measuring {name!r} ended with exit code {process.exitcode}')
        ms, megabytes = queue.get()
        print(f'{name:>10}{ms:>10.1f} ms{megabytes:>8.0f} MB', flush=True)


def main() -> None:
    args = parse_args()
    torch.manual_seed(0)
    print(f'torch {torch.__version__}, {torch.get_num_threads()} threads')
    memory(args)  # before the peak of this process grows, with which every new process starts
    compare(args)
    scale(args)


if __name__ == '__main__':
    main()
