# ResNet-18 of half the width and thin heads on levels from stride 4: trains from scratch on a CPU.
_base_ = './pointins-fcos_r50_fpn.py'

num_channels = 64
strides = [4, 8, 16, 32, 64]
model = dict(
    backbone=dict(depth=18, base_channels=32, frozen_stages=-1, norm_eval=False, init_cfg=None),
    neck=dict(in_channels=[32, 64, 128, 256], out_channels=num_channels, start_level=0),
    bbox_head=dict(
        num_classes=1,
        in_channels=num_channels,
        stacked_convs=2,
        feat_channels=num_channels,
        strides=strides,
        regress_ranges=((-1, 32), (32, 64), (64, 128), (128, 256), (256, 1e8)),
    ),
    mask_head=dict(
        in_channels=num_channels,
        feat_channels=num_channels,
        stacked_convs=2,
        strides=strides,
        predictor_channels=32,
        max_positives=64,
    ),
    test_cfg=dict(max_per_img=300),
)
