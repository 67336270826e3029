_base_ = ['./pointrend-semantic_r50_fpn.py', '../backbones/hrnet-w18.py']

norm_cfg = dict(type='SyncBN', requires_grad=True)
channels = [18, 36, 72, 144]
model = dict(
    backbone=dict(_base_.trunk.backbone, norm_cfg=norm_cfg, norm_eval=False),
    neck=None,
    decode_head=[
        dict(
            type='FCNHead',
            in_channels=channels,
            in_index=[0, 1, 2, 3],
            input_transform='resize_concat',
            channels=sum(channels),
            kernel_size=1,
            num_convs=1,
            concat_input=False,
            dropout_ratio=0,
            num_classes=19,
            norm_cfg=norm_cfg,
            loss_decode=dict(type='CrossEntropyLoss', avg_non_ignore=True),
        ),
        dict(_base_.model.decode_head[1], in_channels=channels[:1]),
    ],
)
