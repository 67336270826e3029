"""The mask head of detectron2 has the settings of ours."""

import pytest

pytest.importorskip('detectron2')

from mmpointrend.engine.mask_head_sides import detectron2


def test_subdivision_starts_and_ends_where_ours_does(config) -> None:
    head = detectron2.build(config, 'cpu').model.roi_heads.mask_head
    rcnn = config.test_cfg.rcnn
    assert head.mask_point_subdivision_init_resolution == rcnn.subdivision_start
    assert head.mask_point_subdivision_steps == rcnn.subdivision_steps
    assert head.mask_point_subdivision_num_points == rcnn.subdivision_num_points


def test_training_points_are_as_many(config) -> None:
    sampler = config.roi_head.mask_head.point_sampler
    sampler.update(num_points=40, oversample_ratio=2, importance_ratio=0.5)
    head = detectron2.build(config, 'cpu').model.roi_heads.mask_head
    assert head.mask_point_train_num_points == 40
    assert head.mask_point_oversample_ratio == 2
    assert head.mask_point_importance_sample_ratio == 0.5


def test_each_region_has_the_mask_of_its_object(inputs) -> None:
    regions = detectron2.with_masks(inputs.positives[0], inputs.truth[0])
    masks = inputs.truth[0].masks.masks[[0, 1]]
    assert (regions.gt_masks.tensor.numpy() == masks).all()
    assert regions.image_size == inputs.size
