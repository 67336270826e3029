import torch

from mmpointrend.points import image_to_region, in_region, region_to_image, regular_grid

from ..reference import assert_same, load_reference

BOXES = torch.tensor([[10.0, 20.0, 50.0, 100.0], [0.0, 0.0, 8.0, 4.0]])


def test_regular_grid_matches_reference():
    for case in load_reference('point_features')['generate_regular_grid_point_coords']:
        side = case['side_size']
        expected = regular_grid((side, side)).expand(case['R'], -1, -1)
        assert_same(expected, case['output'])


def test_regular_grid_lists_cell_centres_row_by_row():
    expected = [[(x + 0.5) / 3, (y + 0.5) / 2] for y in range(2) for x in range(3)]
    torch.testing.assert_close(regular_grid((2, 3)), torch.tensor(expected))


def test_regular_grid_with_aligned_corners_spans_the_region():
    expected = [[x / 2, float(y)] for y in range(2) for x in range(3)]
    torch.testing.assert_close(regular_grid((2, 3), align_corners=True), torch.tensor(expected))
    assert regular_grid((1, 1), align_corners=True).tolist() == [[0, 0]]


def test_region_to_image_matches_reference():
    for case in load_reference('point_features')['get_point_coords_wrt_image']:
        assert_same(region_to_image(case['point_coords'], case['boxes_coords']), case['output'])


def test_image_to_region_matches_reference():
    for case in load_reference('point_sup_utils')['get_point_coords_wrt_box']:
        assert_same(image_to_region(case['point_coords'], case['boxes_coords']), case['output'])


def test_region_and_image_coordinates_are_inverse():
    points = torch.rand(2, 5, 2)
    torch.testing.assert_close(image_to_region(region_to_image(points, BOXES), BOXES), points)


def test_coordinates_stay_float32_under_autocast_and_with_half_precision_boxes():
    with torch.autocast('cpu', torch.bfloat16):
        points = region_to_image(torch.rand(2, 5, 2), BOXES.bfloat16())
        assert points.dtype == torch.float32
        assert image_to_region(points, BOXES.half()).dtype == torch.float32


def test_in_region_includes_the_border_and_excludes_nan():
    points = torch.tensor(
        [[[0.0, 1.0], [0.5, 0.5], [-0.01, 0.5], [0.5, 1.01], [float('nan'), 0.5]]]
    )
    assert in_region(points).tolist() == [[True, True, False, False, False]]


def test_zero_regions():
    assert region_to_image(torch.rand(0, 5, 2), torch.rand(0, 4)).shape == (0, 5, 2)
    assert image_to_region(torch.rand(0, 5, 2), torch.rand(0, 4)).shape == (0, 5, 2)
