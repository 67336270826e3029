_base_ = './pointrend-semantic_r50_fpn.py'

channels = [32, 64, 160, 256]
model = dict(
    backbone=dict(
        _delete_=True,
        type='MixVisionTransformer',
        embed_dims=32,
        num_stages=4,
        num_layers=[2, 2, 2, 2],
        num_heads=[1, 2, 5, 8],
        patch_sizes=[7, 3, 3, 3],
        sr_ratios=[8, 4, 2, 1],
        out_indices=(0, 1, 2, 3),
        mlp_ratio=4,
        qkv_bias=True,
        drop_path_rate=0.1,
        init_cfg=dict(
            type='Pretrained',
            checkpoint='https://mmassets.onedl.ai/mmsegmentation/v0.5/pretrain/segformer/'
            'mit_b0_20220624-7e0fe6dd.pth',
        ),
    ),
    neck=None,
    decode_head=[
        dict(
            type='SegformerHead',
            in_channels=channels,
            in_index=[0, 1, 2, 3],
            channels=256,
            dropout_ratio=0.1,
            num_classes=150,
            norm_cfg=dict(type='SyncBN', requires_grad=True),
            loss_decode=dict(type='CrossEntropyLoss', avg_non_ignore=True),
        ),
        dict(_base_.model.decode_head[1], in_channels=channels[:1]),
    ],
)
