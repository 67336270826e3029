_base_ = [
    '../_base_/models/condinst_r18-small_fpn.py',
    '../_base_/datasets/nuclei_masks.py',
    '../_base_/schedules/schedule_small.py',
    '../_base_/default_runtime.py',
]
# Each step of the controller moves all weights of every object's mask convolutions: with the full
# rate their activations die, and from points the mask stays a constant.
optim_wrapper = dict(paramwise_cfg=dict(custom_keys=dict(controller=dict(lr_mult=0.1))))
