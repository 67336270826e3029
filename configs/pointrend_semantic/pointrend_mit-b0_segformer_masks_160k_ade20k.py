_base_ = [
    '../_base_/models/pointrend-semantic_mit-b0_segformer.py',
    '../_base_/datasets/ade20k_semantic_masks.py',
    '../_base_/schedules/schedule_160k-adamw.py',
    '../_base_/semantic_runtime.py',
]
# mmseg trains the heads of SegFormer faster than its backbone.
optim_wrapper = dict(paramwise_cfg=dict(custom_keys=dict(head=dict(lr_mult=10.0))))
