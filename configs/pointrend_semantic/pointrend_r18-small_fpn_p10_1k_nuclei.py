_base_ = [
    '../_base_/models/pointrend-semantic_r18-small_fpn.py',
    '../_base_/datasets/nuclei_semantic_p10.py',
    '../_base_/schedules/schedule_1k.py',
    '../_base_/semantic_runtime.py',
]
