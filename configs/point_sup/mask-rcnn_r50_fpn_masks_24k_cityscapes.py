_base_ = [
    '../_base_/models/mask-rcnn_r50_fpn.py',
    '../_base_/datasets/cityscapes_instance_masks.py',
    '../_base_/schedules/schedule_24k.py',
    '../_base_/iter_runtime.py',
]

model = dict(roi_head=dict(bbox_head=dict(num_classes=8)))
