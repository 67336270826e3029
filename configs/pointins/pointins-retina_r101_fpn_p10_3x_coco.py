_base_ = [
    '../_base_/models/pointins-retina_r50_fpn.py',
    '../_base_/backbones/r101.py',
    '../_base_/datasets/coco_instance_p10.py',
    '../_base_/schedules/schedule_3x.py',
    '../_base_/default_runtime.py',
]
model = _base_.trunk
optim_wrapper = dict(optimizer=dict(lr=0.01))
