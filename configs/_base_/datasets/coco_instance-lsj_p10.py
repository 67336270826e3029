_base_ = ['./coco_instance_p10.py', './large_scale_jitter.py']

train_pipeline = [
    *_base_.train_pipeline[:2],
    *_base_.large_scale_jitter,
    # Without a mask nobody knows how much of an object is left: its box is cropped with the image.
    dict(type='RandomCrop', crop_size=_base_.image_size, allow_negative_crop=True),
    dict(type='FilterAnnotations', min_gt_bbox_wh=(1, 1)),
    dict(type='PackDetInputs'),
]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
