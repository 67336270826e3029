_base_ = [
    '../_base_/models/pointrend-semantic_r50_fpn.py',
    '../_base_/datasets/ade20k_semantic_masks.py',
    '../_base_/schedules/schedule_160k.py',
    '../_base_/semantic_runtime.py',
]
coarse, refinement = _base_.model.decode_head
model = dict(decode_head=[dict(coarse, num_classes=150), refinement])
