# ResNet-18 of half the width and thin heads: trains from scratch on a CPU. The coarse map has a
# stride of 8, which is cheap; points read features of stride 4.
_base_ = './pointrend-semantic_r50_fpn.py'

num_channels = 64
coarse, refinement = _base_.model.decode_head
model = dict(
    backbone=dict(depth=18, base_channels=32, norm_eval=False, init_cfg=None),
    neck=dict(in_channels=[32, 64, 128, 256], out_channels=num_channels),
    decode_head=[
        dict(
            coarse,
            in_channels=[num_channels] * 3,
            in_index=[1, 2, 3],
            feature_strides=[8, 16, 32],
            channels=num_channels,
            num_classes=2,
        ),
        dict(
            refinement,
            in_channels=[num_channels],
            point_head=dict(refinement.point_head, fc_channels=64),
            point_sampler=dict(refinement.point_sampler, num_points=1024),
        ),
    ],
    test_cfg=dict(subdivision_num_points=2048),
)
