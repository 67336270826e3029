# Res2Net-50 v1b 26w x 4s. Its authors name the layers of the stem differently from mmdet; make once
# what mmdet reads, from .../res2net/res2net50_v1b_26w_4s-3cf99910.pth (see docs/training.md).
trunk = dict(
    backbone=dict(
        type='Res2Net',
        depth=50,
        scales=4,
        base_width=26,
        init_cfg=dict(type='Pretrained', checkpoint='checkpoints/res2net50_v1b_26w_4s_mmdet.pth'),
    ),
)
