_base_ = ['./pointrend_r50_fpn.py', './cascade.py']

model = dict(
    _base_.cascade,
    roi_head=dict(_base_.cascade.roi_head, type='mmpointrend.PointRendCascadeRoIHead'),
)
