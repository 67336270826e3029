import pytest
import torch
import torch.nn.functional as F
from mmcv.ops import SimpleRoIAlign

from mmpointrend.models import PointRoIExtractor

STRIDES = [4, 8, 16]
# Image 1 has no region; the last boxes reach beyond the image of 64 x 96.
ROIS = torch.tensor(
    [
        [0, 4.0, 6.0, 40.0, 50.0],
        [2, 10.3, 3.1, 70.9, 33.3],
        [0, 60.0, 40.0, 61.5, 42.0],
        [2, -9.0, -5.0, 30.0, 30.0],
        [0, 70.0, 30.0, 120.0, 80.0],
    ]
)


@pytest.fixture
def features() -> list[torch.Tensor]:
    """Levels of three images, with different numbers of channels."""
    generator = torch.Generator().manual_seed(0)
    return [
        torch.randn(3, channels, 64 // stride, 96 // stride, generator=generator)
        for channels, stride in zip((5, 3, 2), STRIDES, strict=True)
    ]


@pytest.mark.parametrize('num_levels', [1, 2, 3])
def test_regular_grid_is_what_mmcv_reads(features, num_levels):
    levels, strides = features[:num_levels], STRIDES[:num_levels]
    rois = ROIS[ROIS[:, 0].argsort(stable=True)]  # mmcv returns regions image after image
    expected = [
        SimpleRoIAlign(6, 1 / stride, aligned=True)(level, rois)
        for level, stride in zip(levels, strides, strict=True)
    ]
    actual = PointRoIExtractor(strides, output_size=6)(levels, rois)
    torch.testing.assert_close(actual, torch.cat(expected, 1), rtol=1e-5, atol=1e-5)


def test_points_anywhere_are_read_bilinearly(features):
    points = torch.rand(len(ROIS), 7, 2, generator=torch.Generator().manual_seed(1)) * 1.4 - 0.2
    read = PointRoIExtractor(STRIDES).read(features, ROIS, points)
    for roi, region_points, values in zip(ROIS, points, read, strict=True):
        pixels = roi[1:3] + region_points * (roi[3:] - roi[1:3])
        expected = []
        for level, stride in zip(features, STRIDES, strict=True):
            height, width = level.shape[2:]
            grid = pixels / (stride * torch.tensor([width, height])) * 2 - 1
            image = level[int(roi[0])]
            sampled = F.grid_sample(image[None], grid[None, None], align_corners=False)
            expected.append(sampled[0, :, 0].T)
        torch.testing.assert_close(values, torch.cat(expected, 1), rtol=1e-5, atol=1e-5)


def test_centre_of_a_feature_cell_is_read_exactly(features):
    # Cell (3, 5) of stride 4 covers x in [20, 24) and y in [12, 16).
    roi = torch.tensor([[1, 20.0, 12.0, 24.0, 16.0]])
    read = PointRoIExtractor([4], output_size=1)(features[:1], roi)
    torch.testing.assert_close(read[0, :, 0, 0], features[0][1, :, 3, 5])


def test_without_regions_is_connected_to_every_level(features):
    for level in features:
        level.requires_grad_()
    read = PointRoIExtractor(STRIDES, output_size=4)(features, ROIS[:0])
    assert read.shape == (0, 10, 4, 4)
    read.sum().backward()
    assert all(level.grad is not None and not level.grad.any() for level in features)


def test_gradients_stay_in_the_image_of_the_region(features):
    features[0].requires_grad_()
    PointRoIExtractor([4])(features[:1], ROIS).sum().backward()
    assert features[0].grad.flatten(1).any(1).tolist() == [True, False, True]
