import pytest
import torch

from mmpointrend.models.dense_heads.image_masks import crop_to_boxes, without_points
from mmpointrend.structures import PointMasks

from .batches import BOXES, bitmaps, instances, random_masks

BOXES_TO_CROP = [
    [2.0, 1.0, 5.0, 4.0],
    [1.5, 1.5, 3.6, 2.4],
    [-3.0, 2.0, 40.0, 40.0],
    [4.0, 4.0, 4.0, 4.0],
]


def test_crop_keeps_the_pixels_whose_centre_is_in_the_box():
    masks = torch.from_numpy(random_masks(len(BOXES_TO_CROP), 7, 9)).bool()
    cropped = crop_to_boxes(masks, torch.tensor(BOXES_TO_CROP))
    expected = torch.zeros_like(masks)
    for index, (x1, y1, x2, y2) in enumerate(BOXES_TO_CROP):
        for i in range(7):
            for j in range(9):
                inside = x1 <= j + 0.5 <= x2 and y1 <= i + 0.5 <= y2
                expected[index, i, j] = inside and masks[index, i, j]
    assert expected.any()
    assert torch.equal(cropped, expected)


def test_crop_of_no_masks():
    assert crop_to_boxes(torch.zeros(0, 7, 9, dtype=torch.bool), torch.zeros(0, 4)).shape == (
        0,
        7,
        9,
    )


@pytest.mark.parametrize('dense_first', [True, False])
def test_points_are_hidden_and_masks_are_not(dense_first):
    dense = instances(BOXES, bitmaps(random_masks(2, 60, 80)))
    annotated = instances(BOXES, PointMasks([[[1, 1]], [[2, 2]]], [[1], [0]], 60, 80))
    batch = [dense, annotated] if dense_first else [annotated, dense]
    result = without_points(batch)
    assert ['masks' in instances for instances in result] == [dense_first, not dense_first]
    assert all('masks' in instances for instances in batch)
    assert all(torch.equal(instances.bboxes, dense.bboxes) for instances in result)
