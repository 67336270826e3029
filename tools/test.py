"""Evaluate a checkpoint.

Usage::

    python tools/test.py CONFIG CHECKPOINT
    tools/dist_test.sh CONFIG CHECKPOINT 8       # one node, 8 processes
"""

import argparse

from mmengine.config import Config
from mmengine.runner import Runner

from mmpointrend.engine import (
    add_launch_arguments,
    check_checkpoint,
    innermost_dataset,
    load_config,
    prepared_process,
)


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description='Evaluate a checkpoint.')
    parser.add_argument('config', help='config file')
    parser.add_argument('checkpoint', help='file or URL')
    parser.add_argument('--out', metavar='FILE.pkl', help='write the predictions to this file')
    parser.add_argument(
        '--tta',
        action='store_true',
        help="average each image's prediction with that of its mirror image, or over the views of "
        'tta_pipeline in the config',
    )
    parser.add_argument('--show', action='store_true', help='show the predictions in a window')
    parser.add_argument('--show-dir', help='write pictures of the predictions to this folder')
    parser.add_argument('--wait-time', type=float, default=2, help='seconds per shown picture')
    add_launch_arguments(parser)
    args = parser.parse_args()
    if args.out and not args.out.endswith(('.pkl', '.pickle')):
        parser.error(f'--out {args.out}: the name must end in .pkl or .pickle')
    return args


def draw_predictions(cfg: Config, args: argparse.Namespace) -> None:
    if 'visualization' not in cfg.get('default_hooks', {}):
        raise SystemExit('--show and --show-dir need default_hooks.visualization in the config')
    hook = cfg.default_hooks.visualization
    hook.update(draw=True, show=args.show, wait_time=args.wait_time)
    if cfg.default_scope == 'mmdet':
        hook.test_out_dir = args.show_dir
        return
    hook.interval = 1  # of images; mmdet draws all of them
    if args.show_dir:  # mmseg's hook has no folder of its own
        cfg.visualizer.save_dir = args.show_dir


def augment(cfg: Config) -> None:
    if 'tta_model' not in cfg:
        raise SystemExit('--tta needs tta_model in the config')
    dataset = innermost_dataset(cfg.test_dataloader.dataset)
    dataset.pipeline = cfg.get('tta_pipeline') or mirrored(dataset.pipeline)
    cfg.model = {**cfg.tta_model, 'module': cfg.model}


def mirrored(pipeline: list[dict]) -> list[dict]:
    """A pipeline that packs every image and its mirror image."""
    *steps, packing = pipeline
    if 'meta_keys' in packing:  # the default ones have both
        packing.meta_keys = (*packing.meta_keys, 'flip', 'flip_direction')
    flips = [{'type': 'RandomFlip', 'prob': prob} for prob in (0.0, 1.0)]
    return [*steps, {'type': 'TestTimeAug', 'transforms': [flips, [packing]]}]


def write_predictions(cfg: Config, path: str) -> None:
    evaluators = cfg.test_evaluator
    if not isinstance(evaluators, list):
        evaluators = [evaluators]
    dump = 'mmdet.DumpDetResults' if cfg.default_scope == 'mmdet' else 'mmengine.DumpResults'
    cfg.test_evaluator = [*evaluators, {'type': dump, 'out_file_path': path}]


def main() -> None:
    args = parse_args()
    cfg = load_config(args)
    cfg.load_from = check_checkpoint(args.checkpoint)
    if args.show or args.show_dir:
        draw_predictions(cfg, args)
    if args.tta:
        augment(cfg)
    if args.out:
        write_predictions(cfg, args.out)
    with prepared_process(cfg, args.local_rank):
        Runner.from_cfg(cfg).test()


if __name__ == '__main__':
    main()
