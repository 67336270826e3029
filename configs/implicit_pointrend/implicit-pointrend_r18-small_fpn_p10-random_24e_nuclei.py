# Ten labelled points per object, 5 % of the labels wrong: any of them. Once:
#   python tools/dataset_tools/disturb_points.py \
#       data/nuclei/annotations/instances_train_p10.json --share 0.05 --where random \
#       data/nuclei/annotations/instances_train_p10-random.json
_base_ = './implicit-pointrend_r18-small_fpn_p10_24e_nuclei.py'

train_dataloader = dict(dataset=dict(ann_file='annotations/instances_train_p10-random.json'))
