"""How well annotated points agree with masks of the same objects."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .reference import ReferencedPoints

# Upper ends of the ranges of distances to the boundary, in pixels.
_RANGES = (1, 2, 4, 8, 16, np.inf)


@dataclass
class Agreement:
    """Points in all and points whose label is that of the mask, counted in three ways.

    Attributes:
        points: Points by class name.
        agreeing: Those that agree, by class name.
        points_at: Points by the upper end of their range of distances to the boundary: 1 pixel
            (along it), 2, 4, 8, 16, infinite.
        agreeing_at: Those that agree, by the same.
    """

    points: Counter = field(default_factory=Counter)
    agreeing: Counter = field(default_factory=Counter)
    points_at: Counter = field(default_factory=Counter)
    agreeing_at: Counter = field(default_factory=Counter)

    def to_dict(self) -> dict[str, Any]:
        """Return the counts and shares as JSON has them."""
        return {
            'overall': _row(self.points.total(), self.agreeing.total()),
            'classes': {name: _row(n, self.agreeing[name]) for name, n in self.points.items()},
            'distance_to_boundary': {
                _range_name(end): _row(self.points_at[end], self.agreeing_at[end])
                for end in _RANGES
            },
        }

    def __str__(self) -> str:
        """Return two Markdown tables."""
        result = self.to_dict()
        blocks = (
            ('class', {'all': result['overall'], **result['classes']}),
            ('distance to the boundary', result['distance_to_boundary']),
        )
        return '\n\n'.join('\n'.join(_table(title, rows)) for title, rows in blocks)


def measure_agreement(
    objects: Iterable[ReferencedPoints], categories: Iterable[dict[str, Any]]
) -> Agreement:
    """Count the points whose label is what the mask has at their pixel.

    Args:
        objects: What ``reference_points`` yields.
        categories: The classes of the file with points; one without points has a row too.

    Returns:
        The counts.
    """
    names = {category['id']: category['name'] for category in categories}
    result = Agreement(points=Counter(dict.fromkeys(names.values(), 0)))
    for item in objects:
        name = names[item.ann['category_id']]
        agree = item.labels == item.truth
        result.points[name] += len(agree)
        result.agreeing[name] += int(agree.sum())
        for end, right in zip(np.searchsorted(_RANGES, item.distances), agree, strict=True):
            result.points_at[_RANGES[end]] += 1
            result.agreeing_at[_RANGES[end]] += int(right)
    return result


def _row(points: int, agreeing: int) -> dict[str, Any]:
    return {
        'points': points,
        'agreeing': agreeing,
        'share': agreeing / points if points else None,
    }


def _range_name(end: float) -> str:
    return f'up to {end}' if np.isfinite(end) else f'over {_RANGES[-2]}'


def _table(title: str, rows: dict[str, dict[str, Any]]) -> list[str]:
    lines = [f'| {title} | points | agreeing | share |', '| --- | --- | --- | --- |']
    for name, row in rows.items():
        share = '' if row['share'] is None else f'{row["share"]:.2%}'
        cell = name.replace('|', '\\|')
        lines.append(f'| {cell} | {row["points"]} | {row["agreeing"]} | {share} |')
    return lines
