_base_ = [
    '../_base_/models/pointrend_r50_fpn.py',
    '../_base_/datasets/lvis_instance_masks.py',
    '../_base_/schedules/schedule_1x.py',
    '../_base_/default_runtime.py',
]

model = _base_.lvis_roi_model
tta_model = dict(tta_cfg=dict(max_per_img=300))
