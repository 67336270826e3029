# Nuclei and what is around them, as two classes. Make the label maps once:
#   for split in train val; do
#     python tools/dataset_tools/coco_to_semantic.py \
#         data/nuclei/annotations/instances_$split.json data/nuclei/labels/$split
#   done
dataset_type = 'BaseSegDataset'
data_root = 'data/nuclei/'
metainfo = dict(classes=('background', 'nucleus'), palette=[(0, 0, 0), (255, 196, 0)])
images = dict(img_suffix='.png', seg_map_suffix='.png', metainfo=metainfo)

train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadAnnotations'),
    dict(type='RandomResize', scale=(320, 256), ratio_range=(0.75, 1.5), keep_ratio=True),
    dict(type='RandomCrop', crop_size=(256, 256)),
    dict(type='RandomFlip', prob=[0.25] * 3, direction=['horizontal', 'vertical', 'diagonal']),
    dict(type='PackSegInputs'),
]
test_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadAnnotations'),
    dict(type='PackSegInputs'),
]
train_dataloader = dict(
    batch_size=8,
    num_workers=2,
    persistent_workers=True,
    sampler=dict(type='InfiniteSampler', shuffle=True),
    dataset=dict(
        type=dataset_type,
        data_root=data_root,
        data_prefix=dict(img_path='train', seg_map_path='labels/train'),
        pipeline=train_pipeline,
        **images,
    ),
)
val_dataloader = dict(
    batch_size=1,
    num_workers=1,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type=dataset_type,
        data_root=data_root,
        data_prefix=dict(img_path='val', seg_map_path='labels/val'),
        pipeline=test_pipeline,
        **images,
    ),
)
test_dataloader = val_dataloader

val_evaluator = [
    dict(type='IoUMetric', iou_metrics=['mIoU']),
    dict(type='mmpointrend.BoundaryIoUMetric', dilation_ratio=0.005, trimap_widths=[1, 2, 4]),
]
test_evaluator = val_evaluator

tta_model = dict(type='SegTTAModel')
tta_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(
        type='TestTimeAug',
        transforms=[
            [dict(type='RandomFlip', prob=prob, direction='horizontal') for prob in (0.0, 1.0)],
            [dict(type='LoadAnnotations')],
            [dict(type='PackSegInputs')],
        ],
    ),
]
