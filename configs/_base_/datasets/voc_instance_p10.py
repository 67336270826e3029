# Ten labelled points per object instead of its mask. Make the annotations once:
#   python tools/dataset_tools/sample_points.py data/voc/annotations/instances_train.json \
#       data/voc/annotations/instances_train_p10.json --num-points 10
_base_ = './voc_instance_masks.py'

train_pipeline = [
    _base_.train_pipeline[0],
    dict(type='mmpointrend.LoadPointAnnotations'),
    *_base_.train_pipeline[2:],
]
train_dataloader = dict(
    dataset=dict(
        type='mmpointrend.PointCocoDataset',
        ann_file='annotations/instances_train_p10.json',
        pipeline=train_pipeline,
    )
)
