"""Results of configs: what their runs reach, and how far from training with masks they are."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, stdev
from typing import Any

from .runs import METRICS, Run


@dataclass
class Result:
    """What the runs of one config with the same settings reach.

    Attributes:
        runs: The runs, each with another seed.
        label: What distinguishes it from other results of the same config; empty if alone.
        share: Mask AP in percent of the same model's, trained from masks; None if there is none.
    """

    runs: list[Run]
    label: str = ''
    share: float | None = None

    @property
    def config(self) -> str:
        return self.runs[0].config

    @property
    def fields(self) -> dict[str, str]:
        return self.runs[0].fields

    @property
    def load_from(self) -> str | None:
        return self.runs[0].load_from

    def values(self, metric: str) -> list[float]:
        """The metric of each run, in percent; none unless all runs have it."""
        found = [run.metrics[metric] for run in self.runs if metric in run.metrics]
        return found if len(found) == len(self.runs) else []


def collect_results(runs: Iterable[Run]) -> list[Result]:
    """Group runs by config and settings.

    Args:
        runs: Finished runs; those of a group differ in their seed.

    Returns:
        A result for each group: by dataset and model, training from masks first.
    """
    groups: dict[tuple, list[Run]] = defaultdict(list)
    for run in runs:
        groups[run.config, frozenset(run.settings.items())].append(run)
    results = [Result(group) for group in groups.values()]
    for result in results:
        alike = [other for other in results if other.config == result.config]
        result.label = _label(result, alike)
        result.share = _share(result, results)
    return sorted(results, key=_order)


def _label(result: Result, alike: list[Result]) -> str:
    settings = result.runs[0].settings
    keys = {key for other in alike for key in other.runs[0].settings}
    differ = (key for key in keys if len({other.runs[0].settings.get(key) for other in alike}) > 1)
    return ', '.join(f'{key.split(".")[-1]}={settings.get(key)}' for key in sorted(differ))


def _share(result: Result, results: list[Result]) -> float | None:
    """Mask AP in percent of the one reference: the same from masks, with the same start."""
    expected = {**result.fields, 'supervision': 'masks'}
    references = [
        other
        for other in results
        if other.fields == expected and other.load_from == result.load_from
    ]
    if result.fields == expected or len(references) != 1:
        return None
    own, reference = result.values('mask AP'), references[0].values('mask AP')
    return 100 * mean(own) / mean(reference) if own and reference and mean(reference) else None


def _order(result: Result) -> tuple:
    fields = result.fields
    model = [fields[key] for key in ('dataset', 'method', 'backbone', 'neck', 'schedule')]
    supervision = fields['supervision']
    return *model, supervision != 'masks', supervision, result.label


def markdown_table(results: list[Result]) -> str:
    """Return the table of a model zoo; columns in which no row has a value are left out."""
    columns: dict[str, list[str]] = {
        'config': [_title(result) for result in results],
        'schedule': [result.fields['schedule'] for result in results],
        'trained from': [result.fields['supervision'] for result in results],
        'starts from': [_checkpoint(result.load_from) for result in results],
    }
    for metric in ('box AP', 'mask AP', 'mask AP50', 'boundary AP'):
        columns[metric] = [mean_and_deviation(result.values(metric)) for result in results]
    columns["of its masks' AP"] = [
        '' if result.share is None else f'{result.share:.1f} %' for result in results
    ]
    memory = [[run.memory for run in result.runs if run.memory] for result in results]
    columns['memory'] = [f'{max(values):.1f} GB' if values else '' for values in memory]
    columns['s / iteration'] = [
        f'{mean(run.seconds for run in result.runs):.2f}' for result in results
    ]
    columns['seeds'] = [str(len(result.runs)) for result in results]
    columns = {title: cells for title, cells in columns.items() if any(cells)}
    rows = [list(columns), ['---'] * len(columns), *zip(*columns.values(), strict=True)]
    return ''.join(f'| {" | ".join(row)} |\n' for row in rows)


def result_record(result: Result) -> dict[str, Any]:
    """Return a result as values that JSON has.

    Returns:
        ``config``, ``label``, what the config's name says (``method``, ``backbone``, ``neck``,
        ``supervision``, ``schedule``, ``dataset``), ``load_from``, ``seeds`` and the mean of each
        metric in percent under its name, with its standard deviation under ``{metric} std`` if
        there are several seeds.
    """
    record: dict[str, Any] = {'config': result.config, 'label': result.label, **result.fields}
    record['load_from'] = result.load_from
    record['seeds'] = [run.seed for run in result.runs]
    for metric in METRICS:
        if values := result.values(metric):
            record[metric] = mean(values)
        if len(values) > 1:
            record[f'{metric} std'] = stdev(values)
    return record


def mean_and_deviation(values: list[float]) -> str:
    """Return '39.0' of one value, '39.0 ± 0.3' of several (the sample's deviation), '' of none."""
    if len(values) < 2:
        return f'{values[0]:.1f}' if values else ''
    return f'{mean(values):.1f} ± {stdev(values):.1f}'


def _title(result: Result) -> str:
    return f'`{result.config}`' + (f' ({result.label})' if result.label else '')


def _checkpoint(path: str | None) -> str:
    """A checkpoint as a run has it: its work folder and its name."""
    return f'`{"/".join(Path(path).parts[-2:])}`' if path else ''
