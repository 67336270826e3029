# From a model that learned from ten points per object of COCO.
_base_ = [
    '../../_base_/models/mask-rcnn_r50_fpn.py',
    '../../_base_/datasets/cityscapes_instance_masks.py',
    '../../_base_/schedules/schedule_24k.py',
    '../../_base_/iter_runtime.py',
]

model = dict(backbone=dict(init_cfg=None), roi_head=dict(bbox_head=dict(num_classes=8)))
load_from = 'work_dirs/mask-rcnn_r50_fpn_p10_3x_coco/epoch_36.pth'
