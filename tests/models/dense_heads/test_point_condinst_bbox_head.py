import torch
from mmdet.models.dense_heads import CondInstBboxHead

from mmpointrend.models import PointCondInstBboxHead
from mmpointrend.structures import PointMasks

from .batches import BOXES, bitmaps, instances, random_masks

STRIDES = [8, 16]


def build(cls=PointCondInstBboxHead):
    return cls(
        num_classes=3,
        in_channels=4,
        feat_channels=4,
        stacked_convs=1,
        strides=STRIDES,
        regress_ranges=((-1, 64), (64, 1e8)),
        center_sampling=True,
        center_sample_radius=0.5,
        norm_cfg=None,
    )


def targets(head, batch):
    points = head.prior_generator.grid_priors([(8, 12), (4, 6)], dtype=torch.float32, device='cpu')
    return head.get_targets(points, batch)


def assert_same_targets(actual, expected):
    for some, others in zip(actual, expected, strict=True):
        for one, other in zip(some, others, strict=True):
            assert torch.equal(one, other)


def corner_masks():
    """Masks in a corner of their boxes."""
    masks = random_masks(2, 64, 96) * 0
    for mask, (x1, y1, x2, y2) in zip(masks, torch.tensor(BOXES).int().tolist(), strict=True):
        mask[y1 : y1 + (y2 - y1) // 4, x1 : x1 + (x2 - x1) // 4] = 1
    return bitmaps(masks)


def points():
    return PointMasks([[[9.5, 11.5]], [[31.5, 21.5]]], [[1], [1]], 64, 96)


def test_points_train_the_middle_of_the_box():
    plain = instances(BOXES, points())
    plain.pop('masks')
    expected = targets(build(CondInstBboxHead), [plain])
    assert len(expected[2][0])
    assert_same_targets(targets(build(), [instances(BOXES, points())]), expected)


def test_masks_train_their_centroid_as_in_the_parent_class():
    batch = [instances(BOXES, corner_masks())]
    expected = targets(build(CondInstBboxHead), batch)
    assert_same_targets(targets(build(), batch), expected)
    from_points = targets(build(), [instances(BOXES, points())])
    assert expected[2][0].tolist() != from_points[2][0].tolist()


def test_each_image_of_a_batch_has_its_own_rule():
    batch = [instances(BOXES, points()), instances(BOXES, corner_masks())]
    both = targets(build(), batch)
    for index, image in enumerate(batch):
        alone = targets(build(), [image])
        for kind in (2, 3):  # positive locations and their objects, image by image
            assert torch.equal(both[kind][index], alone[kind][0])
