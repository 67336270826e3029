_base_ = './mask-rcnn_r50_fpn.py'

model = dict(
    roi_head=dict(
        type='mmpointrend.PointRendRoIHead',
        mask_roi_extractor=dict(
            _delete_=True, type='mmpointrend.PointRoIExtractor', featmap_strides=[4]
        ),
        mask_head=dict(
            _delete_=True,
            type='mmpointrend.PointRendMaskHead',
            coarse_head=dict(
                type='mmpointrend.ConvFCHead',
                in_channels=256,
                conv_channels=256,
                num_fcs=2,
                fc_channels=1024,
            ),
            point_head=dict(
                type='mmpointrend.StandardPointHead', in_channels=256, num_fcs=3, fc_channels=256
            ),
            point_sampler=dict(
                type='mmpointrend.UncertainPointSampler',
                num_points=196,
                oversample_ratio=3,
                importance_ratio=0.75,
            ),
            loss_coarse=dict(type='mmpointrend.PointCrossEntropyLoss'),
            loss_point=dict(type='mmpointrend.PointCrossEntropyLoss'),
        ),
    ),
    test_cfg=dict(rcnn=dict(subdivision_start=28, subdivision_steps=3, subdivision_num_points=784)),
)

# tools/test.py --tta
tta_model = dict(
    type='mmpointrend.PointTTAModel',
    tta_cfg=dict(nms=dict(type='nms', iou_threshold=0.5), max_per_img=100),
)
