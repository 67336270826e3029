"""Points as COCO keypoints."""

import json
from pathlib import Path
from typing import Any

import pytest

from mmpointrend.annotation import PointAnnotationError
from mmpointrend.annotation.formats import coco_keypoints


def test_labels_are_visibilities_and_objects_are_filled_up(
    tmp_path: Path, coco: dict[str, Any]
) -> None:
    (ann,) = coco['annotations']
    coco['annotations'].append({**ann, 'id': 71, 'point_coords': [[7, 8]], 'point_labels': [1]})
    coco_keypoints.write(coco, tmp_path / 'out.json')
    data = json.loads((tmp_path / 'out.json').read_text())
    assert [item['keypoints'] for item in data['annotations']] == [
        [5, 3, 2, 20, 10, 1, 6, 4, 1],
        [7, 8, 2, 0, 0, 0, 0, 0, 0],
    ]
    assert [item['num_keypoints'] for item in data['annotations']] == [3, 1]
    assert data['categories'][0]['keypoints'] == ['point_1', 'point_2', 'point_3']
    assert 'point_coords' not in data['annotations'][0]


def save(path: Path, coco: dict[str, Any], keypoints: Any) -> Path:
    (ann,) = coco['annotations']
    ann = {key: value for key, value in ann.items() if not key.startswith('point_')}
    data = {**coco, 'annotations': [{**ann, 'keypoints': keypoints}]}
    path.write_text(json.dumps(data))
    return path


def test_continuous_keypoints_lie_in_the_pixel_of_their_floor(
    tmp_path: Path, coco: dict[str, Any]
) -> None:
    path = save(tmp_path / 'in.json', coco, [5.9, 3.2, 2, 0, 0, 0])
    (ann,) = coco_keypoints.read(path)[0]['annotations']
    assert (ann['point_coords'], ann['point_labels']) == ([[5, 3]], [1])


def test_names_of_keypoints_are_noted(tmp_path: Path, coco: dict[str, Any]) -> None:
    (category,) = coco['categories']
    named = {**category, 'keypoints': ['nose'], 'skeleton': []}
    path = save(tmp_path / 'in.json', {**coco, 'categories': [named]}, [])
    data, notes = coco_keypoints.read(path)
    assert data['categories'] == [category]
    assert notes == ["class 'cat': names of keypoints left out"]


@pytest.mark.parametrize(
    ('keypoints', 'found'),
    [([1, 2], r'keypoints \[1, 2\]'), (None, 'keypoints None'), ([1, 2, 3], 'visibility 3')],
)
def test_bad_keypoints_are_named(
    tmp_path: Path, coco: dict[str, Any], keypoints: Any, found: str
) -> None:
    path = save(tmp_path / 'in.json', coco, keypoints)
    with pytest.raises(PointAnnotationError, match=rf'in\.json: annotation 70: found {found}'):
        coco_keypoints.read(path)
