# Ablation: a standard box head predicts the parameters: 7 x 7 region features, no convolutions.
_base_ = './implicit-pointrend_r50_fpn_p10_1x_coco.py'

model = dict(
    roi_head=dict(
        mask_roi_extractor=dict(output_size=7),
        mask_head=dict(parameter_head=dict(roi_feat_size=7, conv_channels=None)),
    )
)
