# Mask2Former's schedule, in whole epochs: the published one counts 368,750 iterations of 16 images.
max_epochs = 50
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=max_epochs, val_interval=5)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')

param_scheduler = [
    dict(
        type='MultiStepLR',
        by_epoch=True,
        begin=0,
        end=max_epochs,
        milestones=[44, 48],
        gamma=0.1,
    )
]
embedding = dict(lr_mult=1.0, decay_mult=0.0)
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='AdamW', lr=0.0001, weight_decay=0.05),
    paramwise_cfg=dict(
        custom_keys=dict(
            backbone=dict(lr_mult=0.1),
            query_embed=embedding,
            query_feat=embedding,
            level_embed=embedding,
        ),
        norm_decay_mult=0.0,
    ),
    clip_grad=dict(max_norm=0.01),
)
auto_scale_lr = dict(enable=False, base_batch_size=16)
