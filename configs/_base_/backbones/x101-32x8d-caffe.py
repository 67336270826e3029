# The ResNeXt-101 that detectron2 trains from. It comes from Caffe2: BGR, but with torch's strides.
_base_ = './x101-32x8d.py'

trunk = dict(
    data_preprocessor=dict(
        mean=[103.53, 116.28, 123.675], std=[57.375, 57.12, 58.395], bgr_to_rgb=False
    ),
    backbone=dict(
        norm_cfg=dict(requires_grad=False),
        init_cfg=dict(type='Pretrained', checkpoint='open-mmlab://detectron2/resnext101_32x8d'),
    ),
)
