# Ten labelled pixels of each class in an image; all others are ignored. Make them once:
#   python tools/dataset_tools/sample_semantic_points.py \
#       data/nuclei/labels/train data/nuclei/labels_p10/train --num-points 10
_base_ = './nuclei_semantic_masks.py'

train_pipeline = [
    *_base_.train_pipeline[:2],
    dict(
        type='RandomResize',
        resize_type='mmpointrend.ResizePointSegMap',
        scale=(320, 256),
        ratio_range=(0.75, 1.5),
        keep_ratio=True,
    ),
    *_base_.train_pipeline[3:],
]
train_dataloader = dict(
    dataset=dict(data_prefix=dict(seg_map_path='labels_p10/train'), pipeline=train_pipeline)
)
