# The coarse map has stride 8; points read it and the first stage of the backbone, of stride 4.
_base_ = './pointrend-semantic_r50_fpn.py'

norm_cfg = dict(type='SyncBN', requires_grad=True)
model = dict(
    backbone=dict(
        strides=(1, 2, 1, 1),
        dilations=(1, 1, 2, 4),
        contract_dilation=True,
        norm_cfg=norm_cfg,
        norm_eval=False,
    ),
    neck=None,
    decode_head=[
        dict(
            type='ASPPHead',
            in_channels=2048,
            in_index=3,
            channels=512,
            dilations=(1, 12, 24, 36),
            dropout_ratio=0.1,
            num_classes=19,
            norm_cfg=norm_cfg,
            loss_decode=dict(type='CrossEntropyLoss', avg_non_ignore=True),
        ),
        _base_.model.decode_head[1],
    ],
    auxiliary_head=dict(
        type='FCNHead',
        in_channels=1024,
        in_index=2,
        channels=256,
        num_convs=1,
        concat_input=False,
        dropout_ratio=0.1,
        norm_cfg=norm_cfg,
        loss_decode=dict(type='CrossEntropyLoss', avg_non_ignore=True, loss_weight=0.4),
    ),
)
