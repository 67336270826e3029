"""Write the results table of finished runs, and fill the metafiles of their configs.

A row is a config; runs of it that differ in their seed only give a mean and a standard deviation.
Work folders without a finished run are named, with the reason, and left out.
"""

import argparse
from functools import cache
from pathlib import Path
from statistics import mean
from typing import Any

from mmpointrend.annotation import (
    annotation_seconds,
    check_files,
    read_coco,
    write_json,
    write_text,
)
from mmpointrend.annotation.cost import CATEGORIES_SECONDS, SPOTTING_SECONDS
from mmpointrend.evaluation.metafile import fill_metafile, model_names
from mmpointrend.evaluation.results import (
    Result,
    collect_results,
    markdown_table,
    result_record,
)
from mmpointrend.evaluation.runs import Run, RunError, read_run

# What a metafile says of a model.
METAFILE_METRICS = ('box AP', 'mask AP', 'boundary AP')


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('work_dirs', type=Path, nargs='+', help='work folders, one for each run')
    parser.add_argument('-o', '--out', type=Path, help='write the table to this file, not shown')
    parser.add_argument(
        '--metafile', type=Path, nargs='+', default=[], help='metafile.yml to fill with results'
    )
    parser.add_argument(
        '--json', type=Path, help='write the results to this file, for plot_annotation_cost.py'
    )
    parser.add_argument(
        '--image-seconds',
        type=float,
        default=CATEGORIES_SECONDS,
        help='of annotation, per image, to say which classes are there (default: %(default).1f)',
    )
    parser.add_argument(
        '--object-seconds',
        type=float,
        default=SPOTTING_SECONDS,
        help='of annotation, per object, to find it (default: %(default).1f)',
    )
    args = parser.parse_args()
    check_files(parser, args.metafile)
    return args


def read_runs(folders: list[Path]) -> list[Run]:
    """Read the runs that are finished, each seed of a config once, and say why others are not."""
    runs: dict[tuple, Run] = {}
    for folder in folders:
        try:
            run = read_run(folder)
        except (RunError, OSError) as error:
            print(f'left out: {folder}: {error}')
            continue
        # Without a seed no two runs are the same.
        seed = folder if run.seed is None else run.seed
        same = runs.setdefault((run.config, frozenset(run.settings.items()), seed), run)
        if same is not run:
            print(f'left out: {folder}: same config and seed as {same.folder}')
    return list(runs.values())


def fill_metafiles(paths: list[Path], results: list[Result]) -> None:
    """Write the results into the metafiles that list their configs.

    Raises:
        ValueError: A metafile has another layout than those in configs/; it is left as it is.
    """
    metrics = {}
    for result in results:
        if result.label:
            print(f'not in a metafile: {result.config}: it has other results ({result.label})')
            continue
        means = {metric: result.values(metric) for metric in METAFILE_METRICS}
        metrics[result.config] = {key: mean(values) for key, values in means.items() if values}
    listed = set()
    for path in paths:
        text = path.read_text(encoding='utf-8')
        try:
            own = {name: metrics[name] for name in model_names(text) if name in metrics}
            filled = fill_metafile(text, own)
        except ValueError as error:
            raise ValueError(f'{path}: {error}') from error
        if filled != text:
            write_text(path, filled)
        listed |= own.keys()
    for name in sorted(metrics.keys() - listed):
        print(f'not in a metafile: {name}: none of them lists it')


def to_records(
    results: list[Result], image_seconds: float, object_seconds: float
) -> list[dict[str, Any]]:
    """Return the results as JSON, with the seconds that their annotations took where known."""

    @cache
    def seconds(path: str, form: str) -> float:
        print(f'Reading {path}')
        coco, _ = read_coco(path)
        try:
            return annotation_seconds(coco, form, image_seconds, object_seconds)
        except ValueError as error:
            raise ValueError(f'{path}: {error}') from error

    records = []
    for result in results:
        record = result_record(result)
        # Masks of other forms of supervision are predicted: nobody drew them.
        drawn = result.fields['supervision'] == 'masks'
        try:
            record['annotation_seconds'] = sum(
                seconds(path, 'masks' if drawn and not has_points else 'points')
                for path, has_points in result.runs[0].annotations
            )
        except (OSError, ValueError) as error:
            print(f'no annotation time: {result.config}: {error}')
        records.append(record)
    return records


def main() -> None:
    args = parse_args()
    results = collect_results(read_runs(args.work_dirs))
    if not results:
        raise SystemExit('error: found no finished run')
    table = markdown_table(results)
    if args.out:
        write_text(args.out, table)
    else:
        print(table)
    if args.json:
        write_json(args.json, to_records(results, args.image_seconds, args.object_seconds))
    try:
        if args.metafile:
            fill_metafiles(args.metafile, results)
    except ValueError as error:
        raise SystemExit(f'error: {error}') from error


if __name__ == '__main__':
    main()
