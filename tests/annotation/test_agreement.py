"""The share of points that agree with masks."""

import numpy as np

from mmpointrend.annotation import Agreement, ReferencedPoints, measure_agreement

CATEGORIES = [{'id': 1, 'name': 'cat'}, {'id': 2, 'name': 'd|g'}, {'id': 3, 'name': 'cow'}]


def item(category_id: int, labels: list[int], truth: list[int], distances: list[float]):
    arrays = (np.array(values) for values in (labels, truth, distances))
    return ReferencedPoints({'category_id': category_id}, *arrays)


def measured() -> Agreement:
    objects = [
        item(1, [1, 0, 1], [1, 1, 1], [1, 1, np.inf]),
        item(2, [0, 0], [0, 1], [2**0.5, 2]),
        item(1, [1], [1], [17]),
    ]
    return measure_agreement(objects, CATEGORIES)


def test_counts_by_class_and_by_distance() -> None:
    def row(points: int, agreeing: int, share: float | None) -> dict:
        return {'points': points, 'agreeing': agreeing, 'share': share}

    assert measured().to_dict() == {
        'overall': row(6, 4, 4 / 6),
        'classes': {'cat': row(4, 3, 0.75), 'd|g': row(2, 1, 0.5), 'cow': row(0, 0, None)},
        'distance_to_boundary': {
            'up to 1': row(2, 1, 0.5),
            'up to 2': row(2, 1, 0.5),
            'up to 4': row(0, 0, None),
            'up to 8': row(0, 0, None),
            'up to 16': row(0, 0, None),
            'over 16': row(2, 2, 1.0),
        },
    }


def test_text_is_markdown() -> None:
    lines = str(measured()).splitlines()
    assert lines[:6] == [
        '| class | points | agreeing | share |',
        '| --- | --- | --- | --- |',
        '| all | 6 | 4 | 66.67% |',
        '| cat | 4 | 3 | 75.00% |',
        '| d\\|g | 2 | 1 | 50.00% |',
        '| cow | 0 | 0 |  |',
    ]
    assert '| up to 1 | 2 | 1 | 50.00% |' in lines
