# Self-training: from masks that a model drew, which was trained from points. Make them once:
#   python tools/dataset_tools/pseudo_masks.py CONFIG CHECKPOINT \
#       data/nuclei/annotations/instances_train_p10.json \
#       data/nuclei/annotations/instances_train_pseudo.json --keep-points
_base_ = './mask-rcnn_r18-small_fpn_masks_24e_nuclei.py'

train_dataloader = dict(dataset=dict(ann_file='annotations/instances_train_pseudo.json'))
