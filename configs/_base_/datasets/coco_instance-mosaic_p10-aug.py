# Point-based data augmentation: every iteration sees half of an object's ten points.
_base_ = './coco_instance-mosaic_p10.py'

subsample = dict(type='mmpointrend.SubsamplePoints', num_points=5)
train_pipeline = [*_base_.train_pipeline[:2], subsample, *_base_.train_pipeline[2:]]
train_pipeline_stage2 = [
    *_base_.train_pipeline_stage2[:2],
    subsample,
    *_base_.train_pipeline_stage2[2:],
]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
