# What Cascade R-CNN adds to a two-stage model. The first stage says how many classes there are; the
# others and the mask heads follow it.
box_head = dict(
    type='Shared2FCBBoxHead',
    in_channels=256,
    fc_out_channels=1024,
    roi_feat_size=7,
    reg_class_agnostic=True,
    loss_cls=dict(type='CrossEntropyLoss'),
    loss_bbox=dict(type='SmoothL1Loss', beta=1.0),
)
cascade = dict(
    type='CascadeRCNN',
    rpn_head=dict(loss_bbox=dict(_delete_=True, type='SmoothL1Loss', beta=1 / 9)),
    roi_head=dict(
        num_stages=3,
        stage_loss_weights=[1, 0.5, 0.25],
        bbox_head=[
            dict(
                **box_head,
                num_classes=80,
                bbox_coder=dict(type='DeltaXYWHBBoxCoder', target_stds=[0.1, 0.1, 0.2, 0.2]),
            ),
            dict(
                **box_head,
                bbox_coder=dict(type='DeltaXYWHBBoxCoder', target_stds=[0.05, 0.05, 0.1, 0.1]),
            ),
            dict(
                **box_head,
                bbox_coder=dict(
                    type='DeltaXYWHBBoxCoder', target_stds=[0.033, 0.033, 0.067, 0.067]
                ),
            ),
        ],
    ),
    train_cfg=dict(
        rpn=dict(allowed_border=0),
        rpn_proposal=dict(max_per_img=2000),
        rcnn=[
            dict(
                assigner=dict(
                    type='MaxIoUAssigner',
                    pos_iou_thr=iou,
                    neg_iou_thr=iou,
                    min_pos_iou=iou,
                    match_low_quality=False,
                    ignore_iof_thr=-1,
                ),
                sampler=dict(
                    type='RandomSampler', num=512, pos_fraction=0.25, add_gt_as_proposals=True
                ),
                mask_size=28,
                pos_weight=-1,
            )
            for iou in (0.5, 0.6, 0.7)
        ],
    ),
)
