"""Draw mask AP over the time of annotation, from result files of collect_results.py --json.

A result needs "mask AP", "annotation_seconds" and "supervision", and is named after its "model" or
after what collect_results.py says of it, its "label" included; "mask AP std" is drawn where it is
there. So results published elsewhere can be written by hand.
"""

import argparse
import json
from pathlib import Path
from typing import Any

from mmpointrend.annotation import check_files
from mmpointrend.visualization import CostPoint, cost_figure, save_figure

NEEDED = ('mask AP', 'annotation_seconds', 'supervision')


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('results', type=Path, nargs='+', help='JSON lists of results')
    parser.add_argument('-o', '--out', type=Path, required=True, help='PNG to write')
    args = parser.parse_args()
    check_files(parser, args.results, [args.out], force=True)
    return args


def read_results(path: Path) -> list[dict[str, Any]]:
    """Read the results of a file that can be drawn, and name those that cannot.

    Raises:
        ValueError: The file is no list of results.
    """
    try:
        results = json.loads(path.read_text(encoding='utf-8'))
    except ValueError as error:
        raise ValueError(f'{path}: found no valid JSON ({error})') from error
    if not isinstance(results, list) or not all(isinstance(item, dict) for item in results):
        raise ValueError(f'{path}: found no list of results, expected [{{...}}, ...]')
    drawn = []
    for index, result in enumerate(results):
        if reason := why_left_out(result):
            name = result.get('config', f'result {index}')
            print(f'left out: {path}: {name} has {reason}')
        else:
            drawn.append(result)
    return drawn


def why_left_out(result: dict[str, Any]) -> str | None:
    """What a result has that cannot be drawn; None if all of it can."""
    for key in NEEDED:
        if key not in result:
            return f'no {key!r}'
    seconds = result['annotation_seconds']
    if not isinstance(seconds, (int, float)) or not 0 < seconds < float('inf'):
        return f"'annotation_seconds' {seconds!r}, expected a number above 0"
    return None


def to_point(result: dict[str, Any]) -> CostPoint:
    keys = ('method', 'backbone', 'schedule', 'label')
    fields = [result[key] for key in keys if result.get(key)]
    return CostPoint(
        model=result.get('model', ' '.join(fields)),
        supervision=result['supervision'],
        seconds=result['annotation_seconds'],
        ap=result['mask AP'],
        deviation=result.get('mask AP std', 0.0),
    )


def main() -> None:
    args = parse_args()
    try:
        results = [result for path in args.results for result in read_results(path)]
    except ValueError as error:
        raise SystemExit(f'error: {error}') from error
    datasets = sorted({result.get('dataset', 'unnamed') for result in results})
    if len(datasets) != 1:
        raise SystemExit(f'error: found results of {datasets}, expected those of one dataset')
    save_figure(cost_figure([to_point(result) for result in results]), args.out)
    print(f'Wrote {args.out}: {len(results)} results')


if __name__ == '__main__':
    main()
