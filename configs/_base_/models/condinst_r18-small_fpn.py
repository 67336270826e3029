# ResNet-18 of half the width and thin heads: trains from scratch on a CPU.
_base_ = './condinst_r50_fpn.py'

num_channels = 64
model = dict(
    backbone=dict(depth=18, base_channels=32, frozen_stages=-1, norm_eval=False, init_cfg=None),
    neck=dict(in_channels=[32, 64, 128, 256], out_channels=num_channels),
    bbox_head=dict(
        in_channels=num_channels, stacked_convs=2, feat_channels=num_channels, num_classes=1
    ),
    mask_head=dict(
        mask_feature_head=dict(
            in_channels=num_channels, feat_channels=num_channels, num_stacked_convs=2
        )
    ),
    test_cfg=dict(max_per_img=300),
)
