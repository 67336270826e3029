import pytest

from mmpointrend.visualization import CostPoint, cost_figure

POINTS = [
    CostPoint('a', 'masks', 36000, 40.0, deviation=0.5),
    CostPoint('a', 'masks', 3600, 30.0),
    CostPoint('a', 'p10', 7200, 39.0),
    CostPoint('b', 'p10', 7200, 35.0),
]


def curves(figure):
    """Marker, colour and data of each line with markers."""
    lines = [line for line in figure.axes[0].lines if line.get_marker() in 'sod']
    return [(line.get_marker(), tuple(line.get_color()), line.get_xydata()) for line in lines]


def test_results_of_a_model_and_a_form_are_joined_in_the_order_of_hours():
    drawn = [data.tolist() for _, _, data in curves(cost_figure(POINTS))]
    assert sorted(drawn) == [[[1, 30], [10, 40]], [[2, 35]], [[2, 39]]]


def test_colours_are_models_and_markers_are_forms():
    found = {
        tuple(data[0]): (marker, colour) for marker, colour, data in curves(cost_figure(POINTS))
    }
    masks_a, p10_a, p10_b = found[1, 30], found[2, 39], found[2, 35]
    assert masks_a[1] == p10_a[1] != p10_b[1]
    assert masks_a[0] != p10_a[0] == p10_b[0]


def test_models_with_the_same_hours_stand_side_by_side():
    (axis,) = cost_figure(POINTS).axes
    left, right = (
        line.get_transform().transform(line.get_xydata())[0]
        for line in axis.lines
        if line.get_marker() == 'o'
    )
    inches = (right[0] - left[0]) / axis.figure.dpi
    assert inches == pytest.approx(8 / 72)


def test_legend_names_models_and_forms():
    (legend,) = cost_figure(POINTS).legends
    assert [text.get_text() for text in legend.get_texts()] == ['a', 'b', '', 'masks', 'p10']


def test_deviations_are_drawn_where_there_are_any():
    (axis,) = cost_figure(POINTS).axes
    segments = [segment for bars in axis.collections for segment in bars.get_segments()]
    drawn = [tuple(segment[:, 1]) for segment in segments if len(segment)]
    assert drawn == [(39.5, 40.5)]


@pytest.mark.parametrize(
    ('hours', 'labels'), [((1.2, 2.6), ['1.5', '2', '2.5']), ((0.9, 1100), ['1', '10', '1,000'])]
)
def test_hours_are_written_out(hours, labels):
    figure = cost_figure([CostPoint('a', 'p10', 3600 * h, 30.0) for h in hours])
    figure.canvas.draw()
    shown = [label.get_text() for label in figure.axes[0].get_xticklabels()]
    assert set(labels) <= set(shown)
    assert figure.axes[0].get_xscale() == 'log'
