_base_ = [
    '../_base_/models/mask2former_r50.py',
    '../_base_/datasets/coco_instance-lsj_p10.py',
    '../_base_/schedules/schedule_50e.py',
    '../_base_/default_runtime.py',
]
