_base_ = [
    '../_base_/models/condinst_r50_fpn.py',
    '../_base_/datasets/coco_instance_p10-aug.py',
    '../_base_/schedules/schedule_1x.py',
    '../_base_/default_runtime.py',
]
model = dict(test_cfg=dict(crop_to_box=True))
optim_wrapper = dict(optimizer=dict(lr=0.01))
