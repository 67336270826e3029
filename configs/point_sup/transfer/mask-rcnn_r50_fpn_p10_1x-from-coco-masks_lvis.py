# From a model that learned from the masks of COCO.
_base_ = '../mask-rcnn_r50_fpn_p10_1x_lvis.py'

model = dict(backbone=dict(init_cfg=None))
load_from = 'work_dirs/mask-rcnn_r50_fpn_masks_3x_coco/epoch_36.pth'
