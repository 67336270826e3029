"""The trade-off between what annotation costs and what a model reaches with it."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator
from matplotlib.transforms import ScaledTranslation

from .figures import COLOURS

MARKERS = 'soD^vPX*'
MARKER_SIZE = 8  # in points of 1/72 inch, as the distance between models


@dataclass(frozen=True)
class CostPoint:
    """One result in a cost figure.

    Attributes:
        model: What was trained.
        supervision: What from, e.g. ``'masks'`` or ``'p10'``.
        seconds: What its annotation took, above 0.
        ap: Mask AP in percent.
        deviation: Standard deviation of the AP; 0 of a single run.
    """

    model: str
    supervision: str
    seconds: float
    ap: float
    deviation: float = 0.0


def cost_figure(points: Sequence[CostPoint]) -> Figure:
    """Draw mask AP over the time of annotation.

    Args:
        points: Results, one or more, of one dataset.

    Returns:
        The figure: hours on a logarithmic axis, a colour for each model and a marker for each form
        of supervision, both in the order of the points. A line joins results that have both in
        common. Models with the same hours stand side by side.
    """
    figure = Figure(figsize=(9, 5), layout='constrained')
    FigureCanvasAgg(figure)
    axis = figure.subplots()
    colours = dict(zip(dict.fromkeys(p.model for p in points), cycle(COLOURS / 255), strict=False))
    markers = dict(zip(dict.fromkeys(p.supervision for p in points), cycle(MARKERS), strict=False))
    curves: dict[tuple[str, str], list[CostPoint]] = defaultdict(list)
    for point in sorted(points, key=lambda point: point.seconds):
        curves[point.model, point.supervision].append(point)
    drawn: dict[str, list[Artist]] = {model: [] for model in colours}
    for (model, supervision), curve in curves.items():
        hours, aps = [p.seconds / 3600 for p in curve], [p.ap for p in curve]
        deviations = [p.deviation or float('nan') for p in curve]
        colour = colours[model]
        bars = axis.errorbar(hours, aps, deviations, fmt='none', ecolor=colour, capsize=3)
        drawn[model] += bars.get_children()
        drawn[model] += axis.plot(
            hours,
            aps,
            color=colour,
            linewidth=1.2,
            marker=markers[supervision],
            markersize=MARKER_SIZE,
            markeredgecolor='white',
        )
    _log_axis(axis)
    _side_by_side(axis, drawn)
    axis.set(xlabel='hours of annotation', ylabel='mask AP')
    axis.grid(color='#e5e5e5')
    axis.set_axisbelow(True)
    axis.spines[['top', 'right']].set_visible(False)
    handles = [Line2D([], [], color=colour, linewidth=3) for colour in colours.values()]
    handles.append(Line2D([], [], linestyle=''))
    handles += [
        Line2D([], [], color='#555555', marker=marker, linestyle='', markersize=MARKER_SIZE)
        for marker in markers.values()
    ]
    figure.legend(handles, [*colours, '', *markers], loc='outside right center', frameon=False)
    return figure


def _log_axis(axis: Axes) -> None:
    """Hours without exponents, and enough of them where the axis spans less than a decade."""
    axis.set_xscale('log')
    axis.margins(x=0.12, y=0.12)
    low, high = axis.get_xlim()
    subs = (1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 7, 8) if high < 4 * low else (1, 2, 5)
    axis.xaxis.set_major_locator(LogLocator(subs=subs))
    axis.xaxis.set_major_formatter(FuncFormatter(lambda hours, _: f'{hours:,g}'))
    axis.xaxis.set_minor_locator(NullLocator())


def _side_by_side(axis: Axes, drawn: Mapping[str, Sequence[Artist]]) -> None:
    """Move what is drawn of each model a little to the side; its hours stay what they are."""
    axis.set(xlim=axis.get_xlim(), ylim=axis.get_ylim())
    for index, artists in enumerate(drawn.values()):
        inches = (index - (len(drawn) - 1) / 2) * MARKER_SIZE / 72
        aside = axis.transData + ScaledTranslation(inches, 0, axis.figure.dpi_scale_trans)
        for artist in artists:
            artist.set_transform(aside)
