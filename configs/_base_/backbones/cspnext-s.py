# RTMDet's small backbone and its neck, with as many channels as the heads of the R50 models take.
# The finest features have stride 8: points and boxes are cut out of coarser ones than with an FPN.
strides = [8, 16, 32]
trunk = dict(
    data_preprocessor=dict(
        mean=[103.53, 116.28, 123.675], std=[57.375, 57.12, 58.395], bgr_to_rgb=False
    ),
    backbone=dict(
        _delete_=True,
        type='CSPNeXt',
        arch='P5',
        expand_ratio=0.5,
        deepen_factor=0.33,
        widen_factor=0.5,
        channel_attention=True,
        norm_cfg=dict(type='SyncBN'),
        act_cfg=dict(type='SiLU', inplace=True),
        init_cfg=dict(
            type='Pretrained',
            checkpoint='https://mmassets.onedl.ai/mmdetection/v3.0/rtmdet/'
            'cspnext_rsb_pretrain/cspnext-s_imagenet_600e.pth',
            prefix='backbone.',
        ),
    ),
    neck=dict(
        _delete_=True,
        type='CSPNeXtPAFPN',
        in_channels=[128, 256, 512],
        out_channels=256,
        num_csp_blocks=1,
        expand_ratio=0.5,
        norm_cfg=dict(type='SyncBN'),
        act_cfg=dict(type='SiLU', inplace=True),
    ),
    # Anchors of 32 to 512 pixels, as on the five levels of an FPN.
    rpn_head=dict(anchor_generator=dict(scales=[4, 8, 16], strides=strides)),
    roi_head=dict(
        # A box takes its features from the same stride as with an FPN.
        bbox_roi_extractor=dict(featmap_strides=strides, finest_scale=112),
        mask_roi_extractor=dict(featmap_strides=[8]),
    ),
)
# RTMDet's 0.004 for 256 images in a batch, scaled to 16.
optimization = dict(
    optimizer=dict(_delete_=True, type='AdamW', lr=0.00025, weight_decay=0.05),
    paramwise_cfg=dict(norm_decay_mult=0, bias_decay_mult=0, bypass_duplicate=True),
)
