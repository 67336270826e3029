# Ten labelled points per object instead of its mask. Make the annotations once:
#   python tools/dataset_tools/sample_points.py data/lvis/annotations/lvis_v1_train.json \
#       data/lvis/annotations/lvis_v1_train_p10.json --num-points 10
_base_ = './lvis_instance_masks.py'

train_pipeline = [
    _base_.train_pipeline[0],
    dict(type='mmpointrend.LoadPointAnnotations'),
    *_base_.train_pipeline[2:],
]
train_dataloader = dict(
    dataset=dict(
        dataset=dict(
            type='mmpointrend.PointLVISV1Dataset',
            ann_file='annotations/lvis_v1_train_p10.json',
            pipeline=train_pipeline,
        )
    )
)
