# PointINS-style masks on RetinaNet: nine anchors at a location are nine slots of its PoI.
_base_ = './pointins-fcos_r50_fpn.py'

model = dict(
    neck=dict(add_extra_convs='on_input', relu_before_extra_convs=False),
    bbox_head=dict(
        _delete_=True,
        type='mmpointrend.PointINSRetinaHead',
        num_classes=80,
        in_channels=256,
        stacked_convs=4,
        feat_channels=256,
        anchor_generator=dict(
            type='AnchorGenerator',
            octave_base_scale=4,
            scales_per_octave=3,
            ratios=[0.5, 1.0, 2.0],
            strides=_base_.strides,
        ),
        bbox_coder=dict(type='DeltaXYWHBBoxCoder'),
        loss_cls=dict(type='FocalLoss', use_sigmoid=True, gamma=2.0, alpha=0.25),
        loss_bbox=dict(type='L1Loss'),
    ),
    mask_head=dict(num_slots=9),
    train_cfg=dict(
        assigner=dict(
            type='MaxIoUAssigner',
            pos_iou_thr=0.5,
            neg_iou_thr=0.4,
            min_pos_iou=0,
            ignore_iof_thr=-1,
        ),
        # Focal loss sees all anchors.
        sampler=dict(type='PseudoSampler'),
        allowed_border=-1,
        pos_weight=-1,
    ),
    test_cfg=dict(nms=dict(iou_threshold=0.5)),
)
