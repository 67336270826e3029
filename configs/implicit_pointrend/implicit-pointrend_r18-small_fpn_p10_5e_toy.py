_base_ = [
    '../_base_/models/implicit-pointrend_r18-small_fpn.py',
    '../_base_/datasets/toy_p10.py',
    '../_base_/schedules/schedule_small.py',
    '../_base_/default_runtime.py',
]

# Every object teaches the boxes and masks of all classes, and has one class only.
model = dict(
    roi_head=dict(
        bbox_roi_extractor=dict(roi_layer=dict(sampling_ratio=1)),
        bbox_head=dict(num_classes=5, reg_class_agnostic=True),
        mask_head=dict(point_head=dict(class_agnostic=True)),
    ),
    train_cfg=dict(rcnn=dict(sampler=dict(num=64, pos_fraction=0.5))),
    test_cfg=dict(rcnn=dict(nms=dict(class_agnostic=True), max_per_img=30)),
)

max_epochs = 5
train_cfg = dict(max_epochs=max_epochs, val_interval=max_epochs)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.01, by_epoch=False, begin=0, end=50),
    dict(type='CosineAnnealingLR', by_epoch=True, T_max=max_epochs, convert_to_iter_based=True),
]
randomness = dict(seed=0)
