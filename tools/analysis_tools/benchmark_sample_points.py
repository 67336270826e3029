"""Time and memory of sample_points.py and of the straightforward loop, which draws every mask.

Makes a file of the size of COCO train2017, lets one after the other read it, draw points and write
them, each in a process of its own, and compares their labels at the same points. CPU seconds are
those of all processes together, and so is the memory, in which shared pages count once.
"""

import argparse
import json
import multiprocessing
import resource
import runpy
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pycocotools.mask as mask_api
from tqdm import tqdm

from mmpointrend.annotation import masks_at, read_coco, write_coco, write_json

TOOL = Path(__file__).parents[1] / 'dataset_tools' / 'sample_points.py'
WIDTH, HEIGHT = 640, 480
CHUNK = 256


class Cost(NamedTuple):
    seconds: float
    cpu_seconds: float
    megabytes: float


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--images', type=int, default=118_000, help='in the file that is made')
    parser.add_argument('--num-points', type=int, default=10, help='points per object')
    parser.add_argument('--workers', type=int, help='of sample_points.py (default: its own)')
    return parser.parse_args()


def make_annotations(num_images: int, rng: np.random.Generator) -> Iterator[dict[str, Any]]:
    """Yield objects as COCO has them: 7.3 an image, most of one polygon, from 12 to 300 pixels."""
    ann_id = 0
    for image_id in range(num_images):
        for _ in range(rng.poisson(7.3)):
            ann_id += 1
            polygons = [make_polygon(rng) for _ in range(1 + (rng.random() < 0.1))]
            corners = np.concatenate(polygons)
            start, size = corners.min(axis=0), np.ptp(corners, axis=0)
            yield {
                'id': ann_id,
                'image_id': image_id,
                'category_id': 1,
                'iscrowd': 0,
                'area': float(size.prod().round(2)),
                'bbox': [*start.tolist(), *size.round(2).tolist()],
                'segmentation': [polygon.ravel().tolist() for polygon in polygons],
            }


def make_polygon(rng: np.random.Generator) -> np.ndarray:
    """Return the corners of a star-shaped polygon, two decimals, shape (8 to 59, 2)."""
    num = rng.integers(8, 60)
    angles = np.sort(rng.uniform(0, 2 * np.pi, num))
    radii = np.exp(rng.uniform(np.log(6), np.log(150))) * rng.uniform(0.6, 1, num)
    directions = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    corners = rng.uniform(0.1, 0.9, 2) * (WIDTH, HEIGHT) + radii[:, None] * directions
    return corners.clip(0, (WIDTH, HEIGHT)).round(2)


def make_file(path: Path, num_images: int) -> None:
    images = [
        {'id': index, 'file_name': f'{index:012}.jpg', 'width': WIDTH, 'height': HEIGHT}
        for index in range(num_images)
    ]
    data = {'images': images, 'categories': [{'id': 1, 'name': 'object'}]}
    write_coco(path, data, make_annotations(num_images, np.random.default_rng(0)))


def run_loop(source: Path, out: Path, num_points: int) -> None:
    """Draw the mask of every object, and read the labels of its points there."""
    data = json.loads(source.read_text())
    images = {image['id']: image for image in data['images']}
    rng = np.random.default_rng(0)
    for ann in tqdm(data['annotations'], unit=' objects'):
        image = images[ann['image_id']]
        rles = mask_api.frPyObjects(ann.pop('segmentation'), image['height'], image['width'])
        mask = mask_api.decode(mask_api.merge(rles))
        x, y, w, h = ann['bbox']
        points = (rng.random((num_points, 2)) * (w, h) + (x, y)).astype(int)
        ann['point_coords'] = points.tolist()
        ann['point_labels'] = mask[points[:, 1], points[:, 0]].tolist()
    write_json(out, data)


def run_tool(source: Path, out: Path, num_points: int, workers: int | None) -> None:
    options = ['--num-points', num_points] + (['--workers', workers] if workers else [])
    sys.argv = [str(argument) for argument in (TOOL, source, out, *options)]
    runpy.run_path(str(TOOL), run_name='__main__')


def measure(work: Callable[..., None], *args: Any) -> Cost:
    """Run a function in a process of its own.

    Raises:
        SystemExit: It fails.
    """
    process = multiprocessing.Process(target=work, args=args)
    start, start_cpu, megabytes = time.perf_counter(), children_cpu(), 0.0
    process.start()
    while process.is_alive():
        megabytes = max(megabytes, memory(process.pid))
        process.join(0.5)
    if process.exitcode:
        raise SystemExit(f'error: {work.__name__} ended with exit code {process.exitcode}')
    return Cost(time.perf_counter() - start, children_cpu() - start_cpu, megabytes)


def children_cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def memory(pid: int) -> float:
    """Return the MB of a process and all below it, a page of several as its share in each; NaN
    where there is no /proc.
    """
    if not Path('/proc/self/smaps_rollup').exists():
        return float('nan')
    try:
        folder = Path('/proc', str(pid))
        lines = (folder / 'smaps_rollup').read_text().splitlines()
        below = [task.read_text().split() for task in folder.glob('task/*/children')]
    except OSError:  # it has just ended
        return 0.0
    own = next((int(line.split()[1]) / 1e3 for line in lines if line.startswith('Pss:')), 0.0)
    return own + sum(memory(int(child)) for children in below for child in children)


def count_other_labels(source: Path, points: Path) -> int:
    """Count the labels of a file with points that differ from those of ``masks_at``."""
    masks, images = read_coco(source)
    labelled = json.loads(points.read_text())['annotations']
    differ = 0
    for start in range(0, len(labelled), CHUNK):
        chunk = masks['annotations'][start : start + CHUNK]
        with_points = labelled[start : start + CHUNK]
        on_image = [images[ann['image_id']] for ann in chunk]
        sizes = [(image['width'], image['height']) for image in on_image]
        coords = np.array([ann['point_coords'] for ann in with_points])
        labels = np.array([ann['point_labels'] for ann in with_points])
        differ += np.count_nonzero(masks_at(chunk, sizes, coords, str(source)) != labels)
    return differ


def main() -> None:
    args = parse_args()
    with tempfile.TemporaryDirectory() as folder:
        source, by_loop, by_tool = (Path(folder, name) for name in ('in', 'loop', 'tool'))
        print(f'Making a file of {args.images} images', flush=True)
        make_file(source, args.images)
        tool = measure(run_tool, source, by_tool, args.num_points, args.workers)
        loop = measure(run_loop, source, by_loop, args.num_points)
        num_objects = len(json.loads(by_loop.read_text())['annotations'])
        differ = count_other_labels(source, by_loop)
        size = source.stat().st_size / 1e6

    print(f'{num_objects} objects x {args.num_points} points, {size:.0f} MB of json')
    print(f'{"":<18}{"seconds":>10}{"CPU seconds":>13}{"us per object":>15}{"peak MB":>9}')
    for name, cost in (('loop', loop), ('sample_points.py', tool)):
        each = 1e6 * cost.cpu_seconds / num_objects
        print(
            f'{name:<18}{cost.seconds:>10.1f}{cost.cpu_seconds:>13.1f}{each:>15.1f}'
            f'{cost.megabytes:>9.0f}'
        )
    ratios = loop.seconds / tool.seconds, loop.cpu_seconds / tool.cpu_seconds
    print(f'{"ratio":<18}{ratios[0]:>10.2f}{ratios[1]:>13.2f}')
    print(f'{differ} labels differ at the same points')
    if differ:
        raise SystemExit(1)


if __name__ == '__main__':
    main()
