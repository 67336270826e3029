# Ablation: the point head sees the position alone, and no image features.
_base_ = './implicit-pointrend_r50_fpn_p10_1x_coco.py'

model = dict(roi_head=dict(mask_head=dict(point_head=dict(image_features=False))))
