_base_ = [
    '../_base_/models/implicit-pointrend_r18-small_fpn.py',
    '../_base_/datasets/toy_p10.py',
    '../_base_/schedules/schedule_small.py',
    '../_base_/default_runtime.py',
]

model = dict(
    roi_head=dict(bbox_head=dict(num_classes=5)),
    train_cfg=dict(rcnn=dict(sampler=dict(num=64, pos_fraction=0.5))),
    test_cfg=dict(rcnn=dict(max_per_img=30)),
)

max_epochs = 4
train_cfg = dict(max_epochs=max_epochs, val_interval=max_epochs)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.01, by_epoch=False, begin=0, end=50),
    dict(type='CosineAnnealingLR', by_epoch=True, T_max=max_epochs, convert_to_iter_based=True),
]
