# LVIS v1 on COCO's images; docs/training.md says what goes where.
_base_ = './coco_instance_masks.py'

dataset_type = 'LVISV1Dataset'
data_root = 'data/lvis/'

train_dataloader = dict(
    dataset=dict(
        _delete_=True,
        # Images with rare classes are seen more often.
        type='ClassBalancedDataset',
        oversample_thr=1e-3,
        dataset=dict(
            type=dataset_type,
            data_root=data_root,
            ann_file='annotations/lvis_v1_train.json',
            data_prefix=dict(img=''),
            filter_cfg=dict(filter_empty_gt=True, min_size=32),
            pipeline=_base_.train_pipeline,
            backend_args=_base_.backend_args,
        ),
    )
)
val_dataloader = dict(
    dataset=dict(
        type=dataset_type,
        data_root=data_root,
        ann_file='annotations/lvis_v1_val.json',
        data_prefix=dict(img=''),
    )
)
test_dataloader = val_dataloader

val_evaluator = dict(type='LVISMetric', ann_file=data_root + 'annotations/lvis_v1_val.json')
test_evaluator = val_evaluator

# What LVIS changes in a model with RoI heads, for `model = _base_.lvis_roi_model` in a config.
lvis_roi_model = dict(
    roi_head=dict(bbox_head=dict(num_classes=1203)),
    # LVIS counts up to 300 detections an image, rare classes with low scores among them.
    test_cfg=dict(rcnn=dict(score_thr=0.0001, max_per_img=300)),
)
