_base_ = [
    '../_base_/models/mask-rcnn_r18-small_fpn.py',
    '../_base_/datasets/nuclei_p10-aug.py',
    '../_base_/schedules/schedule_small.py',
    '../_base_/default_runtime.py',
]
