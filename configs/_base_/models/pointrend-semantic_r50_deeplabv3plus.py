# Its decoder brings the coarse map to stride 4.
_base_ = './pointrend-semantic_r50_deeplabv3.py'

coarse, refinement = _base_.model.decode_head
model = dict(
    decode_head=[
        dict(coarse, type='DepthwiseSeparableASPPHead', c1_in_channels=256, c1_channels=48),
        refinement,
    ]
)
