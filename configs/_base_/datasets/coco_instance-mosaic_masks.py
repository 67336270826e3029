# Square images of 640 pixels, each of parts of eight others; the last epochs see plain ones.
_base_ = './coco_instance_masks.py'

size = (640, 640)
pad = dict(type='Pad', size=size, pad_val=dict(img=(114, 114, 114)))
load = [
    dict(type='LoadImageFromFile', backend_args=_base_.backend_args),
    dict(type='LoadAnnotations', with_bbox=True, with_mask=True, poly2mask=False),
]
crop = dict(type='RandomCrop', crop_size=size, recompute_bbox=True, allow_negative_crop=True)
train_pipeline = [
    *load,
    dict(type='CachedMosaic', img_scale=size, pad_val=114.0),
    dict(type='RandomResize', scale=(1280, 1280), ratio_range=(0.5, 2.0), keep_ratio=True),
    crop,
    dict(type='YOLOXHSVRandomAug'),
    dict(type='RandomFlip', prob=0.5),
    pad,
    dict(
        type='CachedMixUp',
        img_scale=size,
        ratio_range=(1.0, 1.0),
        max_cached_images=20,
        pad_val=(114, 114, 114),
    ),
    dict(type='FilterAnnotations', min_gt_bbox_wh=(1, 1)),
    dict(type='PackDetInputs'),
]
train_pipeline_stage2 = [
    *load,
    dict(type='RandomResize', scale=size, ratio_range=(0.5, 2.0), keep_ratio=True),
    crop,
    dict(type='FilterAnnotations', min_gt_bbox_wh=(1, 1)),
    dict(type='YOLOXHSVRandomAug'),
    dict(type='RandomFlip', prob=0.5),
    pad,
    dict(type='PackDetInputs'),
]
test_pipeline = [
    load[0],
    dict(type='Resize', scale=size, keep_ratio=True),
    pad,
    *_base_.test_pipeline[2:],
]
train_dataloader = dict(
    batch_size=32,
    num_workers=10,
    pin_memory=True,
    batch_sampler=None,
    dataset=dict(pipeline=train_pipeline),
)
val_dataloader = dict(batch_size=5, num_workers=10, dataset=dict(pipeline=test_pipeline))
test_dataloader = val_dataloader
