# Ablation: the point head sees plain coordinates, not their Fourier features.
_base_ = './implicit-pointrend_r50_fpn_p10_1x_coco.py'

model = dict(roi_head=dict(mask_head=dict(point_head=dict(position='plain'))))
