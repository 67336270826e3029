import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest


class PointFile:
    """A COCO file of two images annotated with points, to be changed and written."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / 'points.json'
        square = [[1, 1, 9, 1, 9, 9, 1, 9]]
        self.content: dict[str, Any] = {
            'images': [
                {'id': 7, 'file_name': 'a.png', 'height': 40, 'width': 60},
                {'id': 8, 'file_name': 'b.png', 'height': 50, 'width': 30},
            ],
            'categories': [{'id': 3, 'name': 'disc'}, {'id': 5, 'name': 'ring'}],
            'annotations': [
                self.annotation(11, 7, [1, 1, 8, 8], [[2, 3], [0, 0], [59, 39]], [1, 0, 1]),
                self.annotation(12, 7, [0, 0, 0, 8], [[2, 3]], [1]),
                self.annotation(13, 7, [5, 5, 20, 0.5], [[9, 9]], [0]),
                self.annotation(14, 7, [10, 10, 20, 20], None, None, iscrowd=1),
                self.annotation(15, 7, [20, 10, 10, 20], [[21, 12], [25, 13]], [0, 1], 5),
                self.annotation(16, 7, [20, 10, 10, 20], [[21, 12]], [0], ignore=True),
                self.annotation(17, 8, [2, 2, 10, 10], [], [], segmentation=square),
            ],
        }
        for image in self.content['images']:
            pixels = np.zeros((image['height'], image['width'], 3), np.uint8)
            cv2.imwrite(str(folder / image['file_name']), pixels)

    @staticmethod
    def annotation(
        ann_id: int,
        image_id: int,
        bbox: list[float],
        coords: list[list[int]] | None,
        labels: list[int] | None,
        category_id: int = 3,
        **other: Any,
    ) -> dict[str, Any]:
        ann = {'id': ann_id, 'image_id': image_id, 'category_id': category_id, 'iscrowd': 0}
        ann |= {'bbox': bbox, 'area': max(bbox[2] * bbox[3], 1), **other}
        if coords is not None:
            ann |= {'point_coords': coords, 'point_labels': labels}
        return ann

    def __getitem__(self, ann_id: int) -> dict[str, Any]:
        return next(ann for ann in self.content['annotations'] if ann['id'] == ann_id)

    def write(self) -> str:
        self.path.write_text(json.dumps(self.content))
        return str(self.path)


@pytest.fixture
def point_file(tmp_path) -> PointFile:
    return PointFile(tmp_path)
