import pytest
import torch
import torch.nn.functional as F

from mmpointrend.points import (
    predict_grid,
    regular_grid,
    render,
    sample_maps,
    subdivide,
    uncertain_cells,
)

from ..reference import assert_same, load_reference


def disc(points):
    """Logits of a disc with a sharp edge, shape (R, P, 1)."""
    return 40 * (0.35 - (points - 0.5).norm(dim=-1, keepdim=True))


def test_predict_grid_evaluates_cell_centres():
    planes = predict_grid(lambda p: torch.stack((p[..., 0], p[..., 1]), -1), 3, (2, 4))
    torch.testing.assert_close(planes[2].flatten(1).T, regular_grid((2, 4)))


@pytest.mark.parametrize(
    'case',
    load_reference('point_features')['get_uncertain_point_coords_on_grid'],
    ids=lambda c: c['name'],
)
def test_uncertain_cells_match_reference(case):
    picked, points = uncertain_cells(case['uncertainty_map'][:, 0], int(case['num_points']))
    order, expected_order = picked.argsort(), case['point_indices'].argsort()
    assert torch.equal(picked.gather(1, order), case['point_indices'].gather(1, expected_order))
    for region, expected, i, j in zip(
        points, case['point_coords'], order, expected_order, strict=True
    ):
        assert_same(region[i], expected[j])


def test_subdivide_predicts_exactly_the_least_certain_cells():
    planes = torch.randn(2, 1, 6, 5)
    asked = []

    def predict(points):
        asked.append(points)
        return points.new_full((*points.shape[:2], 1), 100.0)

    (step,) = subdivide(predict, planes, 1, 13)
    doubled = F.interpolate(planes, scale_factor=2, mode='bilinear', align_corners=False).flatten(1)
    for region in range(2):
        expected = set(doubled[region].abs().argsort()[:13].tolist())
        assert set(step.picked[region].tolist()) == expected
        kept = torch.ones(120, dtype=torch.bool).index_fill(0, step.picked[region], False)
        assert (step.planes[region].flatten()[step.picked[region]] == 100).all()
        torch.testing.assert_close(step.planes[region].flatten()[kept], doubled[region][kept])
    torch.testing.assert_close(asked[0], regular_grid((12, 10))[step.picked])


def test_render_finds_a_sharp_edge_that_interpolation_misses():
    start = predict_grid(disc, 1, (7, 7))
    truth = predict_grid(disc, 1, (56, 56)) > 0
    rendered = render(disc, start, steps=3, num_points=28 * 28) > 0
    interpolated = F.interpolate(start, size=(56, 56), mode='bilinear', align_corners=False) > 0
    assert (rendered != truth).sum() == 0
    assert (interpolated != truth).sum() > 20


def test_render_with_all_points_is_the_dense_prediction():
    logits = torch.randn(2, 3, 16, 16)
    rendered = render(lambda p: sample_maps(logits, p), torch.zeros(2, 3, 4, 4), 2, num_points=256)
    torch.testing.assert_close(rendered, logits)


def test_render_with_aligned_corners_and_all_points_is_the_dense_prediction():
    logits = torch.randn(2, 3, 13, 17)

    def predict(points):
        return sample_maps(logits, points, align_corners=True)

    rendered = render(predict, torch.zeros(2, 3, 4, 5), 2, num_points=300, align_corners=True)
    torch.testing.assert_close(rendered, logits)


def test_cells_keep_their_place_with_aligned_corners():
    planes = torch.randn(2, 3, 4, 5)
    (step,) = subdivide(lambda p: sample_maps(planes, p, align_corners=True), planes, 1, 9, True)
    torch.testing.assert_close(step.planes[:, :, ::2, ::2], planes)


def test_render_without_regions():
    start = predict_grid(disc, 0, (7, 7))
    assert render(disc, start, 3, 49).shape == (0, 1, 56, 56)


def test_render_keeps_the_type_of_the_planes_and_float32_points_under_autocast():
    layer = torch.nn.Linear(2, 1)

    def predict(points):
        assert points.dtype == torch.float32
        return layer(points)

    with torch.autocast('cpu', torch.bfloat16):
        start = predict_grid(predict, 2, (4, 4))
        assert render(predict, start, 2, 20).dtype == start.dtype == torch.bfloat16
