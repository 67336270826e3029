# Hybrid Task Cascade without its semantic branch. Masks do not flow from stage to stage: a point
# head has no feature map that the next stage could take in.
_base_ = './cascade-pointrend_r50_fpn.py'

model = dict(
    type='HybridTaskCascade',
    roi_head=dict(type='mmpointrend.PointRendHTCRoIHead', interleaved=True, mask_info_flow=False),
    test_cfg=dict(rcnn=dict(score_thr=0.001)),
)
