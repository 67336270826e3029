_base_ = [
    '../_base_/models/pointrend-semantic_swin-t_upernet.py',
    '../_base_/datasets/ade20k_semantic_masks.py',
    '../_base_/schedules/schedule_160k-adamw.py',
    '../_base_/semantic_runtime.py',
]
