# ResNet-18 of half the width and thin heads: trains from scratch on a CPU.
_base_ = './mask-rcnn_r50_fpn.py'

num_channels = 64
model = dict(
    backbone=dict(depth=18, base_channels=32, frozen_stages=-1, norm_eval=False, init_cfg=None),
    neck=dict(in_channels=[32, 64, 128, 256], out_channels=num_channels),
    rpn_head=dict(
        in_channels=num_channels,
        feat_channels=num_channels,
        anchor_generator=dict(scales=[4]),
    ),
    roi_head=dict(
        bbox_roi_extractor=dict(roi_layer=dict(sampling_ratio=2), out_channels=num_channels),
        bbox_head=dict(in_channels=num_channels, fc_out_channels=256, num_classes=1),
        mask_roi_extractor=dict(roi_layer=dict(sampling_ratio=2), out_channels=num_channels),
        mask_head=dict(in_channels=num_channels, conv_out_channels=num_channels),
    ),
    train_cfg=dict(
        rpn_proposal=dict(nms_pre=1000, max_per_img=500),
        rcnn=dict(sampler=dict(num=128)),
    ),
    test_cfg=dict(rpn=dict(nms_pre=1000, max_per_img=1000), rcnn=dict(max_per_img=300)),
)
