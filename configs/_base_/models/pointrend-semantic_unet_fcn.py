# The coarse head reads the decoder at stride 4; points read what the decoder makes of it at strides
# 2 and 1.
_base_ = './pointrend-semantic_r50_fpn.py'

norm_cfg = dict(type='SyncBN', requires_grad=True)
model = dict(
    backbone=dict(
        _delete_=True,
        type='UNet',
        base_channels=64,
        num_stages=5,
        norm_cfg=norm_cfg,
    ),
    neck=None,
    decode_head=[
        dict(
            type='FCNHead',
            in_channels=256,
            in_index=2,
            channels=64,
            num_convs=1,
            concat_input=False,
            dropout_ratio=0.1,
            num_classes=19,
            norm_cfg=norm_cfg,
            loss_decode=dict(type='CrossEntropyLoss', avg_non_ignore=True),
        ),
        dict(_base_.model.decode_head[1], in_channels=[128, 64], in_index=[3, 4]),
    ],
)
