_base_ = ['./mask-rcnn_r50_fpn.py', './cascade.py']

model = dict(
    _base_.cascade, roi_head=dict(_base_.cascade.roi_head, type='mmpointrend.PointCascadeRoIHead')
)
