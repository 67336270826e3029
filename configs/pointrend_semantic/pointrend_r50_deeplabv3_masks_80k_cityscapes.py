_base_ = [
    '../_base_/models/pointrend-semantic_r50_deeplabv3.py',
    '../_base_/datasets/cityscapes_semantic_masks.py',
    '../_base_/schedules/schedule_80k.py',
    '../_base_/semantic_runtime.py',
]
