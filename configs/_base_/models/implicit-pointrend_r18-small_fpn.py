_base_ = './mask-rcnn_r18-small_fpn.py'

model = dict(
    roi_head=dict(
        type='mmpointrend.PointRendRoIHead',
        mask_roi_extractor=dict(
            _delete_=True, type='mmpointrend.PointRoIExtractor', featmap_strides=[4]
        ),
        mask_head=dict(
            _delete_=True,
            type='mmpointrend.ImplicitPointRendMaskHead',
            parameter_head=dict(
                type='mmpointrend.ConvFCHead',
                in_channels=_base_.num_channels,
                conv_channels=64,
                num_fcs=2,
                fc_channels=256,
            ),
            point_head=dict(
                type='mmpointrend.ImplicitPointHead',
                in_channels=_base_.num_channels,
                num_fcs=3,
                fc_channels=32,
                # Few objects with few points: 128 frequencies fit the points and not the object.
                num_frequencies=16,
            ),
            point_sampler=dict(type='mmpointrend.UniformPointSampler', num_points=196),
            loss_point=dict(type='mmpointrend.PointCrossEntropyLoss'),
            loss_parameters=dict(type='mmpointrend.ParameterL2Loss', loss_weight=1e-5),
        ),
    ),
    test_cfg=dict(rcnn=dict(subdivision_start=28, subdivision_steps=2, subdivision_num_points=784)),
)

# tools/test.py --tta
tta_model = dict(
    type='mmpointrend.PointTTAModel',
    tta_cfg=dict(nms=dict(type='nms', iou_threshold=0.5), max_per_img=300),
)
