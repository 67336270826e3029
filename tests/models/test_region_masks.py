import math

import numpy as np
import pytest
import torch
from mmdet.structures.mask import BitmapMasks, PolygonMasks

from mmpointrend.models.region_masks import RegionMasks, annotated_points, cell_shares
from mmpointrend.structures import PointMasks

from ..reference import assert_same, load_reference
from .tensor_meter import TensorMeter

REFERENCE = load_reference('point_sup_utils')['get_point_coords_from_point_annotation']
HEIGHT, WIDTH = 24, 36
BOXES = torch.tensor([[2.0, 3.0, 20.0, 17.0], [5.5, 1.2, 34.0, 23.9], [-3.0, -2.0, 8.0, 40.0]])


def at_points(boxes, objects, masks, points=None):
    """Read the masks at points that are the same in every region."""
    if points is not None:
        points = points.expand(sum(len(image) for image in boxes), -1, -1)
    return RegionMasks(boxes, objects, masks).at_points(points)


def random_masks(num_objects: int, height: int = HEIGHT, width: int = WIDTH) -> np.ndarray:
    masks = np.random.default_rng(0).random((num_objects, height, width)) < 0.5
    return masks.astype(np.uint8)


def bilinear(mask: np.ndarray, x: float, y: float) -> float:
    """Interpolate between the four nearest pixel centres; nothing lies outside the image."""
    left, top = math.floor(x - 0.5), math.floor(y - 0.5)
    value = 0.0
    for row in (top, top + 1):
        for column in (left, left + 1):
            if 0 <= row < mask.shape[0] and 0 <= column < mask.shape[1]:
                share = (1 - abs(x - 0.5 - column)) * (1 - abs(y - 0.5 - row))
                value += share * mask[row, column]
    return value


# ---------------------------------------------------------------------------------- dense masks


def test_labels_from_dense_masks_match_a_loop_over_points():
    masks, objects = random_masks(4), torch.tensor([2, 0, 3])
    points = torch.rand(3, 11, 2, generator=torch.Generator().manual_seed(0))
    targets = at_points([BOXES], [objects], [BitmapMasks(masks, HEIGHT, WIDTH)], points)
    expected = torch.zeros(3, 11)
    for region, (box, index) in enumerate(zip(BOXES.tolist(), objects.tolist(), strict=True)):
        for point, (u, v) in enumerate(points[region].tolist()):
            x, y = box[0] + u * (box[2] - box[0]), box[1] + v * (box[3] - box[1])
            expected[region, point] = bilinear(masks[index], x, y)
    torch.testing.assert_close(targets.labels, expected, rtol=0, atol=1e-5)
    assert torch.equal(targets.points, points)
    assert targets.num_points.tolist() == [11, 11, 11]


def test_labels_at_pixel_centres_are_the_pixels():
    masks = random_masks(1)
    rows, columns = np.indices((HEIGHT, WIDTH)).reshape(2, -1)
    points = torch.from_numpy(np.stack(((columns + 0.5) / WIDTH, (rows + 0.5) / HEIGHT), -1))
    image = torch.tensor([[0.0, 0.0, WIDTH, HEIGHT]])
    targets = at_points(
        [image],
        [torch.tensor([0])],
        [BitmapMasks(masks, HEIGHT, WIDTH)],
        points.float(),
    )
    expected = torch.from_numpy(masks[0]).flatten().float()
    torch.testing.assert_close(targets.labels[0], expected, rtol=0, atol=1e-5)


def test_labels_from_polygons_are_inside_or_outside_of_them():
    polygon = np.array([6.0, 4.0, 30.0, 4.0, 30.0, 18.0, 6.0, 18.0])  # a rectangle
    masks = PolygonMasks([[polygon[::-1].copy()], [polygon]], HEIGHT, WIDTH)
    points = torch.rand(1, 200, 2, generator=torch.Generator().manual_seed(0))
    image = torch.tensor([[0.0, 0.0, WIDTH, HEIGHT]])
    labels = at_points([image], [torch.tensor([1])], [masks], points).labels[0]
    x, y = (points[0] * image[0, 2:]).unbind(-1)
    depth = torch.stack((x - 6, 30 - x, y - 4, 18 - y)).amin(0)  # negative outside
    inside, outside = depth > 1, depth < -1
    assert inside.sum() > 20 and outside.sum() > 20
    torch.testing.assert_close(labels[inside], torch.ones(int(inside.sum())))
    assert not labels[outside].any()


def test_masks_that_are_tensors_are_read_like_bitmaps():
    masks, objects = random_masks(4), torch.tensor([2, 0, 3])
    points = torch.rand(3, 11, 2, generator=torch.Generator().manual_seed(0))
    expected, actual = (
        at_points([BOXES], [objects], [image], points)
        for image in (BitmapMasks(masks, HEIGHT, WIDTH), torch.from_numpy(masks))
    )
    assert torch.equal(actual.labels, expected.labels)


@pytest.mark.parametrize('num_regions', [1, 300])
def test_memory_for_dense_masks_does_not_grow_with_regions(num_regions):
    side = 2000
    masks = BitmapMasks(random_masks(1, side, side), side, side)
    boxes = torch.tensor([[10.0, 10.0, 1900.0, 1800.0]]).expand(num_regions, -1)
    objects = torch.zeros(num_regions, dtype=torch.long)
    points = torch.rand(1, 50, 2, generator=torch.Generator().manual_seed(0))
    with TensorMeter() as meter:
        at_points([boxes], [objects], [masks], points)
    assert meter.largest_bytes == masks.masks.nbytes


@pytest.mark.parametrize(('num_objects', 'num_regions'), [(1, 300), (40, 1)])
def test_memory_for_cells_is_one_float_copy_of_each_object_or_region(num_objects, num_regions):
    masks = BitmapMasks(random_masks(num_objects, 500, 500), 500, 500)
    boxes = torch.tensor([[10.0, 10.0, 400.0, 450.0]]).expand(num_regions, -1)
    regions = RegionMasks([boxes], [torch.zeros(num_regions, dtype=torch.long)], [masks])
    with TensorMeter() as meter:
        regions.at_cells((7, 7))
    assert meter.largest == 500 * 500


def test_cells_match_the_reference_way_of_cropping():
    masks, objects = BitmapMasks(random_masks(4), HEIGHT, WIDTH), torch.tensor([2, 0, 3])
    boxes = BOXES.clamp(min=0)
    cropped = masks.crop_and_resize(boxes.numpy(), (5, 6), objects.numpy()).to_ndarray()
    targets = RegionMasks([boxes], [objects], [masks]).at_cells((5, 6))
    assert targets.labels.unflatten(1, (5, 6)).numpy().astype('uint8').tolist() == cropped.tolist()
    assert_same(targets.points[2, 7], torch.tensor([1.5 / 6, 1.5 / 5]))


def test_soft_cells_are_the_share_of_the_object():
    mask = torch.zeros(1, 8, 8, dtype=torch.uint8)
    mask[:, :, :3] = 1
    box, nothing = torch.tensor([[0.0, 0.0, 8.0, 8.0]]), torch.tensor([0])
    shares = cell_shares(mask, box, nothing, (1, 2))
    masks = BitmapMasks(mask.numpy(), 8, 8)
    soft = RegionMasks([box], [nothing], [masks]).at_cells((1, 2), soft=True).labels
    # roi_align reads each cell at 16 points, interpolated between pixel centres.
    assert_same(shares.flatten(), torch.tensor([0.75, 0.0]))
    assert torch.equal(soft, shares.flatten(1))


# -------------------------------------------------------------------------------------- points


@pytest.mark.parametrize('case', REFERENCE, ids=lambda case: case['name'])
def test_annotated_points_match_reference(case):
    instances = case['instances']
    targets = at_points(
        [i['proposal_boxes'] for i in instances],
        [torch.arange(len(i['gt_classes'])) for i in instances],
        [PointMasks(i['gt_point_coords'], i['gt_point_labels'], 64, 96) for i in instances],
    )
    assert_same(targets.labels, case['point_labels'])
    used = case['point_labels'] >= 0
    assert used.any() and not used.all()
    assert_same(targets.points[used], case['point_coords'][used])


def test_every_region_takes_the_points_of_its_object():
    masks = PointMasks([[[4.0, 5.0], [9.0, 9.0]], [[6.0, 7.0]]], [[1, 0], [0]], HEIGHT, WIDTH)
    box = torch.tensor([[2.0, 3.0, 10.0, 13.0]])
    points, labels, num_points = annotated_points(masks, box.expand(3, -1), torch.tensor([1, 0, 1]))
    assert num_points.tolist() == [1, 2, 1]
    assert labels.tolist() == [[0, -1], [1, 0], [0, -1]]
    expected = torch.tensor([[0.25, 0.2], [0.875, 0.6]])
    torch.testing.assert_close(points[1], expected)
    torch.testing.assert_close(points[[0, 2], 0], torch.tensor([[0.5, 0.4]]).expand(2, -1))


def test_points_on_the_border_count_and_points_beyond_do_not():
    coords = [[2.0, 3.0], [10.0, 13.0], [1.99, 5.0], [10.01, 5.0], [5.0, 2.99], [5.0, 13.01]]
    masks = PointMasks([coords], [[1, 0, 1, 0, 1, 0]], HEIGHT, WIDTH)
    box = torch.tensor([[2.0, 3.0, 10.0, 13.0]])
    points, labels, _ = annotated_points(masks, box, torch.tensor([0]))
    assert labels.tolist() == [[1, 0, -1, -1, -1, -1]]
    assert ((points >= 0) & (points <= 1)).all()


def test_box_without_area_ignores_its_points():
    masks = PointMasks([[[5.0, 5.0], [6.0, 5.0]]], [[1, 0]], HEIGHT, WIDTH)
    box = torch.tensor([[5.0, 5.0, 5.0, 9.0]])
    points, labels, _ = annotated_points(masks, box, torch.tensor([0]))
    assert labels.tolist() == [[-1, -1]]
    assert points.isfinite().all()


# --------------------------------------------------------------------------------- whole batches


def test_both_kinds_in_one_batch_are_filled_up_with_ignored_points():
    sampled = torch.rand(1, 5, 2, generator=torch.Generator().manual_seed(0))
    bitmaps = BitmapMasks(random_masks(2), HEIGHT, WIDTH)
    annotated = PointMasks([[[4.5, 5.5], [9.5, 9.5], [3.5, 4.5]]], [[1, 0, 1]], HEIGHT, WIDTH)
    boxes, objects = [BOXES[:2], BOXES[:1]], [torch.tensor([1, 0]), torch.tensor([0])]

    both = at_points(boxes, objects, [bitmaps, annotated], sampled)
    dense = at_points(boxes[:1], objects[:1], [bitmaps], sampled)
    points = at_points(boxes[1:], objects[1:], [annotated])

    assert both.num_points.tolist() == [5, 5, 3]
    assert torch.equal(both.points[:2], dense.points)
    assert torch.equal(both.labels[:2], dense.labels)
    assert torch.equal(both.points[2:, :3], points.points)
    assert torch.equal(both.labels[2:, :3], points.labels)
    assert both.labels[2, 3:].tolist() == [-1, -1]


NO_POINTS = PointMasks(np.zeros((0, 0, 2)), np.zeros((0, 0)), HEIGHT, WIDTH)
NO_BITMAPS = BitmapMasks([], HEIGHT, WIDTH)
NO_POLYGONS = PolygonMasks([], HEIGHT, WIDTH)


@pytest.mark.parametrize(
    'masks',
    [[NO_POINTS, NO_POINTS], [NO_BITMAPS, NO_POLYGONS], [NO_POINTS, NO_BITMAPS]],
    ids=['points', 'dense', 'both'],
)
def test_no_object_anywhere_gives_no_region(masks):
    nothing = torch.zeros(0, dtype=torch.long)
    targets = at_points([torch.zeros(0, 4)] * 2, [nothing] * 2, masks, torch.rand(1, 5, 2))
    assert len(targets.points) == len(targets.labels) == len(targets.num_points) == 0
    assert targets.points.shape[:2] == targets.labels.shape
    assert (targets.points.dtype, targets.labels.dtype) == (torch.float32, torch.float32)


@pytest.mark.parametrize(
    'masks', [NO_POINTS, NO_BITMAPS, NO_POLYGONS], ids=lambda m: type(m).__name__
)
def test_image_without_objects_changes_nothing_for_the_other(masks):
    nothing = (torch.zeros(0, 4), torch.zeros(0, dtype=torch.long), masks)
    something = (
        BOXES[:1],
        torch.tensor([0]),
        PointMasks([[[4.5, 5.5], [9.5, 9.5]]], [[1, 0]], HEIGHT, WIDTH),
    )
    middle = torch.full((1, 2, 2), 0.5)
    expected = at_points(*zip(something, strict=True))
    for batch in ([nothing, something], [something, nothing]):
        for actual, wanted in zip(
            at_points(*zip(*batch, strict=True), middle), expected, strict=True
        ):
            assert torch.equal(actual, wanted)


def test_annotated_points_move_into_their_regions_once(monkeypatch):
    moved = []
    to_tensor = PointMasks.to_tensor
    monkeypatch.setattr(
        PointMasks, 'to_tensor', lambda *args: moved.append(args) or to_tensor(*args)
    )
    masks = PointMasks([[[4.5, 5.5], [9.5, 9.5]]], [[1, 0]], HEIGHT, WIDTH)
    regions = RegionMasks([BOXES[:1]], [torch.tensor([0])], [masks])
    cells, points = regions.at_cells((7, 7)), regions.at_points()
    assert torch.equal(cells.points, points.points)
    assert len(moved) == 1


def test_objects_without_points_have_none():
    masks = PointMasks([[], []], [[], []], HEIGHT, WIDTH)
    targets = at_points([BOXES[:2]], [torch.tensor([1, 0])], [masks])
    assert targets.points.shape == (2, 0, 2)
    assert targets.num_points.tolist() == [0, 0]
