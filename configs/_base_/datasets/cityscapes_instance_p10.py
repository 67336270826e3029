# Ten labelled points per object instead of its mask. Make the annotations once:
#   file=data/cityscapes/annotations/instancesonly_filtered_gtFine_train
#   python tools/dataset_tools/sample_points.py $file.json ${file}_p10.json --num-points 10
_base_ = './cityscapes_instance_masks.py'

train_pipeline = [
    _base_.train_pipeline[0],
    dict(type='mmpointrend.LoadPointAnnotations'),
    *_base_.train_pipeline[2:],
]
train_dataloader = dict(
    dataset=dict(
        type='mmpointrend.PointCityscapesDataset',
        ann_file='annotations/instancesonly_filtered_gtFine_train_p10.json',
        pipeline=train_pipeline,
    )
)
