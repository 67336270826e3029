# Point-based data augmentation: every iteration sees half of an object's ten points.
_base_ = './nuclei_p10.py'

train_pipeline = [
    *_base_.train_pipeline[:2],
    dict(type='mmpointrend.SubsamplePoints', num_points=5),
    *_base_.train_pipeline[2:],
]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
