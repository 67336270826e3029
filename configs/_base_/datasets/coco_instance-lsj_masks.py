_base_ = ['./coco_instance_masks.py', './large_scale_jitter.py']

train_pipeline = [
    *_base_.train_pipeline[:2],
    *_base_.large_scale_jitter,
    dict(
        type='RandomCrop',
        crop_size=_base_.image_size,
        recompute_bbox=True,
        allow_negative_crop=True,
    ),
    dict(type='FilterAnnotations', min_gt_bbox_wh=(1e-5, 1e-5), by_mask=True),
    dict(type='PackDetInputs'),
]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
