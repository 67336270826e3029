"""Distances to the boundary, against all pairs of pixels, and points looked up in masks."""

from typing import Any

import numpy as np
import pytest

from mmpointrend.annotation import (
    PointAnnotationError,
    boundary_distances,
    mask_annotation,
    reference_points,
)

WIDTH, HEIGHT = 12, 8


def square() -> np.ndarray:
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    mask[2:6, 3:8] = 1
    return mask


def all_pixels(mask: np.ndarray) -> np.ndarray:
    y, x = np.indices(mask.shape).reshape(2, -1)
    return np.stack([x, y], axis=1)


def distances_of_all_pairs(mask: np.ndarray, points: np.ndarray) -> np.ndarray:
    """The definition, word by word."""
    found = []
    for x, y in points:
        other_y, other_x = np.nonzero(mask != mask[y, x])
        found.append(np.hypot(other_x - x, other_y - y).min(initial=np.inf))
    return np.array(found)


@pytest.mark.parametrize('share', [0.02, 0.5, 0.98])
@pytest.mark.parametrize('seed', range(4))
def test_distances_are_those_of_all_pairs(seed: int, share: float) -> None:
    rng = np.random.default_rng(seed)
    mask = (rng.random(rng.integers(2, 25, 2)) < share).astype(np.uint8)
    points = all_pixels(mask)
    np.testing.assert_allclose(
        boundary_distances(mask, points), distances_of_all_pairs(mask, points), rtol=1e-12
    )


def test_an_object_amid_its_image_is_measured_on_all_sides() -> None:
    mask = square()
    points = all_pixels(mask)
    np.testing.assert_allclose(
        boundary_distances(mask, points), distances_of_all_pairs(mask, points), rtol=1e-12
    )


def test_a_mask_of_one_side_has_no_boundary() -> None:
    for value in (0, 1):
        mask = np.full((3, 4), value, np.uint8)
        assert np.isinf(boundary_distances(mask, all_pixels(mask))).all()


def test_the_border_of_the_image_is_no_boundary() -> None:
    mask = np.zeros((5, 9), bool)
    mask[:, :4] = True
    assert boundary_distances(mask, np.array([[0, 0], [3, 0], [8, 4]])).tolist() == [4, 1, 5]


CATEGORIES = [{'id': 1, 'name': 'square'}, {'id': 2, 'name': 'disc'}]


def points_file(**changes: Any) -> dict[str, Any]:
    ann = {'id': 7, 'image_id': 1, 'category_id': 1, 'bbox': [2, 1, 5, 4]}
    ann |= {'point_coords': [[3, 2], [2, 2], [5, 4]], 'point_labels': [1, 1, 0], **changes}
    crowd = {'id': 6, 'image_id': 1, 'category_id': 1, 'iscrowd': 1}
    return {'annotations': [crowd, ann], 'categories': CATEGORIES}


def look_up(data: dict[str, Any], ann_id: int = 7, **changes: Any) -> list:
    image = {'id': 1, 'width': WIDTH, 'height': HEIGHT, 'file_name': 'val/one.png'}
    mask_image = {**image, 'id': 9, 'file_name': 'one.png', **changes}
    mask = square()[: mask_image['height'], : mask_image['width']]
    annotations = [mask_annotation(mask, ann_id, image_id=9, category_id=1)]
    masks = {'annotations': annotations, 'categories': CATEGORIES}
    files = 'points.json', 'masks.json'
    return list(reference_points(data, {1: image}, masks, {9: mask_image}, *files))


def test_points_are_looked_up_in_the_mask_of_their_id() -> None:
    (item,) = look_up(points_file())
    assert item.ann['id'] == 7
    assert item.labels.tolist() == [1, 1, 0]
    assert item.truth.tolist() == [1, 0, 1]
    assert item.distances.tolist() == [1, 1, 2]


def test_an_object_without_points_has_none() -> None:
    (item,) = look_up(points_file(point_coords=[], point_labels=[]))
    assert len(item.labels) == len(item.truth) == len(item.distances) == 0


def test_an_object_without_a_mask_is_an_error() -> None:
    with pytest.raises(PointAnnotationError, match=r'points\.json: annotation 7: found no annot'):
        look_up(points_file(), ann_id=8)


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        ({'width': 10}, r'image size \(10, 8\), expected \(12, 8\), as in points\.json'),
        ({'file_name': 'two.png'}, r"image 'two\.png', expected 'one\.png', as in points\.json"),
    ],
)
def test_a_mask_on_another_image_is_an_error(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(PointAnnotationError, match=rf'masks\.json: annotation 7: found {message}'):
        look_up(points_file(), **changes)


def test_a_mask_of_another_category_is_an_error() -> None:
    with pytest.raises(PointAnnotationError, match="category 'square', expected 'disc', as"):
        look_up(points_file(category_id=2))


def test_a_mask_somewhere_else_is_an_error() -> None:
    with pytest.raises(PointAnnotationError, match=r'found bbox .* meets \(9, 6, 2, 1\)'):
        look_up(points_file(bbox=[9, 6, 2, 1]))
