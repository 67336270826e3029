_base_ = [
    '../_base_/models/pointins-fcos_r18-small_fpn.py',
    '../_base_/datasets/nuclei_p10.py',
    '../_base_/schedules/schedule_small.py',
    '../_base_/default_runtime.py',
]
