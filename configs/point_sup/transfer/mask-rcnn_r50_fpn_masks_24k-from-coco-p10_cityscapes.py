# From a model that learned from ten points per object of COCO.
_base_ = '../mask-rcnn_r50_fpn_masks_24k_cityscapes.py'

model = dict(backbone=dict(init_cfg=None))
load_from = 'work_dirs/mask-rcnn_r50_fpn_p10_3x_coco/epoch_36.pth'
