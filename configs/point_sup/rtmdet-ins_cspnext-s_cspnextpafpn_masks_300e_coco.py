_base_ = [
    '../_base_/models/rtmdet-ins_cspnext-s_cspnextpafpn.py',
    '../_base_/datasets/coco_instance-mosaic_masks.py',
    '../_base_/schedules/schedule_300e.py',
    '../_base_/default_runtime.py',
]
default_hooks = dict(checkpoint=dict(interval=10))
custom_hooks = [
    _base_.ema_hook,
    dict(
        type='PipelineSwitchHook',
        switch_epoch=_base_.max_epochs - _base_.num_last_epochs,
        switch_pipeline=_base_.train_pipeline_stage2,
    ),
]
