_base_ = [
    '../_base_/models/pointrend-semantic_r50_fpn.py',
    '../_base_/backbones/r50-caffe.py',
    '../_base_/datasets/cityscapes_semantic_masks.py',
    '../_base_/schedules/schedule_65k.py',
    '../_base_/semantic_runtime.py',
]
model = _base_.trunk
