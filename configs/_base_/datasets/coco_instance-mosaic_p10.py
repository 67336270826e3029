# Ten labelled points per object instead of its mask; coco_instance_p10.py says how to make them.
_base_ = './coco_instance-mosaic_masks.py'

load = [_base_.train_pipeline[0], dict(type='mmpointrend.LoadPointAnnotations')]
# Points do not tell the box of what is left of an object.
crop = dict(type='RandomCrop', crop_size=_base_.size, allow_negative_crop=True)
train_pipeline = [*load, *_base_.train_pipeline[2:4], crop, *_base_.train_pipeline[5:]]
train_pipeline_stage2 = [
    *load,
    _base_.train_pipeline_stage2[2],
    crop,
    *_base_.train_pipeline_stage2[4:],
]
train_dataloader = dict(
    dataset=dict(
        type='mmpointrend.PointCocoDataset',
        ann_file='annotations/instances_train2017_p10.json',
        pipeline=train_pipeline,
    )
)
