"""Train a model.

Usage::

    python tools/train.py CONFIG
    tools/dist_train.sh CONFIG 8       # one node, 8 processes
"""

import argparse

from mmengine.config import Config
from mmengine.device import get_device
from mmengine.runner import Runner, find_latest_checkpoint

from mmpointrend.engine import (
    add_launch_arguments,
    check_checkpoint,
    load_config,
    prepared_process,
)


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description='Train a model.')
    parser.add_argument('config', help='config file')
    parser.add_argument('--amp', action='store_true', help='mixed precision')
    parser.add_argument(
        '--resume',
        nargs='?',
        const='auto',
        metavar='CHECKPOINT',
        help='continue from this checkpoint, or from the last one of the work folder',
    )
    parser.add_argument(
        '--auto-scale-lr',
        action='store_true',
        help='scale the learning rate with the batch size over all processes',
    )
    add_launch_arguments(parser)
    return parser.parse_args()


def use_mixed_precision(cfg: Config) -> None:
    if get_device() == 'cpu':
        raise SystemExit('--amp needs an accelerator, found none')
    cfg.optim_wrapper.type = 'AmpOptimWrapper'
    cfg.optim_wrapper.setdefault('loss_scale', 'dynamic')


def scale_learning_rate(cfg: Config) -> None:
    if 'base_batch_size' not in cfg.get('auto_scale_lr', {}):
        raise SystemExit('--auto-scale-lr needs auto_scale_lr.base_batch_size in the config')
    cfg.auto_scale_lr.enable = True


def resume(cfg: Config, checkpoint: str) -> None:
    """Let a run continue from a checkpoint; 'auto' is the last one of its work folder, if any."""
    if checkpoint == 'auto':
        # Without one, a config that starts from another model has to load it.
        if find_latest_checkpoint(cfg.work_dir) is None:
            return
        cfg.load_from = None
    else:
        cfg.load_from = check_checkpoint(checkpoint)
    cfg.resume = True


def main() -> None:
    args = parse_args()
    cfg = load_config(args)
    if args.amp:
        use_mixed_precision(cfg)
    if args.auto_scale_lr:
        scale_learning_rate(cfg)
    if args.resume:
        resume(cfg, args.resume)
    with prepared_process(cfg, args.local_rank):
        Runner.from_cfg(cfg).train()


if __name__ == '__main__':
    main()
