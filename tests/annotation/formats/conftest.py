"""One object in one image, as every format tells it."""

from typing import Any

import pytest


@pytest.fixture
def coco() -> dict[str, Any]:
    """A cat of three points in an image of 40 x 20 pixels; its ids are not those of a new file."""
    ann = {'id': 70, 'image_id': 5, 'category_id': 3, 'iscrowd': 0, 'area': 33.0}
    ann |= {'bbox': [4.0, 2.0, 20.0, 10.0]}
    ann |= {'point_coords': [[5, 3], [20, 10], [6, 4]], 'point_labels': [1, 0, 0]}
    return {
        'images': [{'id': 5, 'file_name': 'a/b.jpg', 'width': 40, 'height': 20}],
        'annotations': [ann],
        'categories': [{'id': 3, 'name': 'cat'}],
    }


@pytest.fixture
def crowd(coco: dict[str, Any]) -> dict[str, Any]:
    """A crowd of cats in place of the cat."""
    ann = {'id': 71, 'image_id': 5, 'category_id': 3, 'iscrowd': 1, 'area': 33.0}
    return {**coco, 'annotations': [{**ann, 'bbox': [4.0, 2.0, 20.0, 10.0]}]}


@pytest.fixture
def renumbered(coco: dict[str, Any]) -> dict[str, Any]:
    """The same after a tool that keeps no record: new ids, the box's area."""
    (image,), (ann,), (category,) = coco['images'], coco['annotations'], coco['categories']
    ids = {'id': 1, 'image_id': 1, 'category_id': 1, 'area': 200.0}
    return {
        'images': [{**image, 'id': 1}],
        'annotations': [{**ann, **ids}],
        'categories': [{**category, 'id': 1}],
    }
