_base_ = [
    '../_base_/models/pointrend_r50_fpn.py',
    '../_base_/backbones/convnext-t.py',
    '../_base_/datasets/coco_instance_masks.py',
    '../_base_/schedules/schedule_1x.py',
    '../_base_/default_runtime.py',
]
model = _base_.trunk
optim_wrapper = _base_.optimization
