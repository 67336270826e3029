_base_ = ['./pointrend_r50_fpn_masks_24k_cityscapes.py', '../_base_/backbones/r50-caffe.py']
model = _base_.trunk
