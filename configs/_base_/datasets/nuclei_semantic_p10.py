# Ten labelled pixels of each class in an image; all others are ignored. Make them once:
#   python tools/dataset_tools/sample_semantic_points.py \
#       data/nuclei/labels/train data/nuclei/labels_p10/train --num-points 10
_base_ = './nuclei_semantic_masks.py'

train_dataloader = dict(dataset=dict(data_prefix=dict(seg_map_path='labels_p10/train')))
