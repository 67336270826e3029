"""Point annotations: what is accepted, and what each error names."""

import math

import numpy as np
import pytest

from mmpointrend.annotation import PointAnnotationError, box_pixels, check_box, check_points


def check(coords: object, labels: object) -> tuple[np.ndarray, np.ndarray]:
    ann = {'id': 7, 'point_coords': coords, 'point_labels': labels}
    return check_points(ann, width=80, height=60, source='points.json')


def test_points_keep_their_values_and_become_arrays() -> None:
    coords, labels = check([[0, 0], [79, 59], [3, 4]], [1, 0, 1])
    assert coords.dtype == np.float32
    assert labels.dtype == np.int8
    np.testing.assert_array_equal(coords, [[0, 0], [79, 59], [3, 4]])
    np.testing.assert_array_equal(labels, [1, 0, 1])


def test_an_object_may_have_no_point() -> None:
    coords, labels = check([], [])
    assert coords.shape == (0, 2)
    assert labels.shape == (0,)


@pytest.mark.parametrize(
    ('coords', 'labels', 'found'),
    [
        ([[1, 2]], [1, 0], '1 point_coords and 2 point_labels'),
        ([[1, 2]], [2], 'label 2 at point 0'),
        ([[1, 2], [3, 4]], [1, -1], 'label -1 at point 1'),
        ([[1, 2]], [0.5], 'label 0.5 at point 0'),
        ([[1, 2]], [math.nan], 'label nan at point 0'),
        ([[1, 2], [math.nan, 4]], [1, 0], 'point 1 at [nan, 4.0]'),
        ([[math.inf, 2]], [1], 'point 0 at [inf, 2.0]'),
        ([[80, 2]], [1], 'point 0 at [80, 2]'),
        ([[1, 60]], [1], 'point 0 at [1, 60]'),
        ([[-1, 2]], [1], 'point 0 at [-1, 2]'),
        ([[1.5, 2]], [1], 'point 0 at [1.5, 2.0]'),
        ([['1', '2']], [1], "point_coords [['1', '2']]"),
        ([[1, 2]], ['1'], "point_labels ['1']"),
        ([[1, None]], [1], 'point_coords [[1, None]]'),
        ([[1, 2], [3]], [1, 0], 'point_coords [[1, 2], [3]]'),
        ([1, 2], [1, 0], 'point_coords of shape (2,)'),
        ([[1, 2, 3]], [1], 'point_coords of shape (1, 3)'),
        ([[1, 2]], [[1]], 'point_labels of shape (1, 1)'),
        (None, [1], 'point_coords None'),
        ([[10**400, 2]], [1], 'point_coords'),
    ],
)
def test_a_bad_point_is_one_error_with_file_id_and_what_was_found(
    coords: object, labels: object, found: str
) -> None:
    with pytest.raises(PointAnnotationError) as caught:
        check(coords, labels)
    assert str(caught.value).startswith(f'points.json: annotation 7: found {found}')
    assert ', expected ' in str(caught.value)


@pytest.mark.parametrize('key', ['point_coords', 'point_labels'])
def test_a_missing_key_is_named(key: str) -> None:
    ann = {'id': 7, 'point_coords': [[1, 2]], 'point_labels': [1]}
    del ann[key]
    with pytest.raises(PointAnnotationError, match=f"annotation 7: found no '{key}'"):
        check_points(ann, 80, 60, 'points.json')


@pytest.mark.parametrize(
    ('bbox', 'found'),
    [
        ([1, 2, 3], 'bbox [1, 2, 3]'),
        ([1, 2, 3, math.nan], 'bbox [1, 2, 3, nan]'),
        ('none', "bbox 'none'"),
        ([1, 2, -3, 4], 'bbox [1, 2, -3, 4]'),
        ([80, 2, 5, 5], 'bbox [80, 2, 5, 5]'),
        ([1, -5, 5, 5], 'bbox [1, -5, 5, 5]'),
    ],
)
def test_a_bad_box_is_one_error_with_file_id_and_what_was_found(bbox: object, found: str) -> None:
    with pytest.raises(PointAnnotationError) as caught:
        check_box({'id': 7, 'bbox': bbox}, 80, 60, 'points.json')
    assert str(caught.value).startswith(f'points.json: annotation 7: found {found}')


@pytest.mark.parametrize(
    ('box', 'pixels'),
    [
        ((10.0, 20.0, 30.0, 40.0), (10, 20, 39, 59)),
        ((10.2, 20.9, 0.5, 0.2), (10, 20, 10, 21)),
        ((296.65, 388.33, 1.03, 0.0), (296, 388, 297, 388)),
        ((10.0, 20.0, 0.0, 0.0), (10, 20, 10, 20)),
    ],
)
def test_box_pixels_are_those_the_box_touches(
    box: tuple[float, float, float, float], pixels: tuple[int, int, int, int]
) -> None:
    assert box_pixels(box) == pixels
