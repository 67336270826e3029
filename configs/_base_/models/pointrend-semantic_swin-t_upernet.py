_base_ = ['./pointrend-semantic_r50_fpn.py', '../backbones/swin-t.py']

norm_cfg = dict(type='SyncBN', requires_grad=True)
channels = [96, 192, 384, 768]
loss = dict(type='CrossEntropyLoss', avg_non_ignore=True)
model = dict(
    # mmseg has a Swin of its own, which does not read the weights of the authors.
    backbone=dict(_base_.trunk.backbone, type='mmdet.SwinTransformer', drop_path_rate=0.3),
    neck=None,
    decode_head=[
        dict(
            type='UPerHead',
            in_channels=channels,
            in_index=[0, 1, 2, 3],
            pool_scales=(1, 2, 3, 6),
            channels=512,
            dropout_ratio=0.1,
            num_classes=150,
            norm_cfg=norm_cfg,
            loss_decode=loss,
        ),
        dict(_base_.model.decode_head[1], in_channels=channels[:1]),
    ],
    auxiliary_head=dict(
        type='FCNHead',
        in_channels=channels[2],
        in_index=2,
        channels=256,
        num_convs=1,
        concat_input=False,
        dropout_ratio=0.1,
        norm_cfg=norm_cfg,
        loss_decode=dict(loss, loss_weight=0.4),
    ),
)
