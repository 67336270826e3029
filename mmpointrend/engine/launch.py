"""What ``tools/train.py`` and ``tools/test.py`` share: arguments, config, processes."""

import argparse
import gc
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config, ConfigDict, DictAction
from mmengine.device import get_device
from mmengine.registry import DATASETS

LAUNCHERS = ('none', 'pytorch', 'slurm', 'mpi')


def add_launch_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that training and test have in common.

    Args:
        parser: Gains ``--work-dir``, ``--cfg-options``, ``--launcher`` and ``--local-rank``.
    """
    parser.add_argument(
        '--work-dir', help='folder of logs and results (default: work_dirs/ and the config name)'
    )
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=DictAction,
        default={},
        metavar='KEY=VALUE',
        help='override entries of the config, e.g. train_cfg.max_epochs=2 key="[a,b]"',
    )
    parser.add_argument(
        '--launcher', choices=LAUNCHERS, default='none', help='what started the processes'
    )
    # torch.distributed.launch, which openmim uses, passes it; torchrun sets LOCAL_RANK instead.
    parser.add_argument('--local_rank', '--local-rank', type=int, default=0)


def load_config(args: argparse.Namespace) -> Config:
    """Read the config and apply the arguments of :func:`add_launch_arguments` to it.

    Args:
        args: Has ``config``, a path, besides those arguments.

    Returns:
        The config, with ``work_dir`` and ``launcher`` set.

    Raises:
        SystemExit: The config file does not exist.
    """
    path = Path(args.config)
    if not path.is_file():
        raise SystemExit(f'{args.config}: there is no such config file')
    cfg = Config.fromfile(path)
    cfg.merge_from_dict(args.cfg_options)
    cfg.launcher = args.launcher
    cfg.work_dir = args.work_dir or cfg.get('work_dir') or str(Path('work_dirs', path.stem))
    return cfg


def innermost_dataset(dataset: ConfigDict) -> ConfigDict:
    """Return the config of the dataset that wrappers such as ``RepeatDataset`` hold."""
    while 'dataset' in dataset:
        dataset = dataset.dataset
    return dataset


def dataset_meta(dataset: ConfigDict) -> dict[str, Any]:
    """Return what a dataset says about its classes, without reading its files.

    Args:
        dataset: Its config; the default scope is that of its type.
    """
    return dict(DATASETS.build({**dataset, 'lazy_init': True}).metainfo)


def check_checkpoint(checkpoint: str) -> str:
    """Check that a checkpoint is there, before anything slow happens.

    Args:
        checkpoint: A path, or a URL, which is left to mmengine.

    Returns:
        The argument.

    Raises:
        SystemExit: It is a path and there is no such file.
    """
    if '://' not in checkpoint and not Path(checkpoint).is_file():
        raise SystemExit(f'{checkpoint}: there is no such checkpoint file')
    return checkpoint


@contextmanager
def prepared_process(cfg: Config, local_rank: int) -> Iterator[None]:
    """Prepare this process for a runner, and leave its process group afterwards.

    mmengine alone cannot work distributed without accelerators: it selects a CUDA device before it
    makes the process group, and wraps the model with the index of one. There this makes a gloo
    group, which mmengine then uses, and wraps the model without a device.

    On CUDA devices PyTorch lets convolutions of float32 compute in TF32, but not matrix products.
    With ``env_cfg.tf32`` both may: the point heads here are products where others have convolutions
    of size 1.

    Args:
        cfg: The config; ``model_wrapper_cfg`` changes where processes have no accelerator.
        local_rank: The rank on this node, where the environment does not tell it.

    Raises:
        SystemExit: There is no accelerator and the launcher is not pytorch.
    """
    # Checkpoints hold the history of the log, objects that torch >= 2.6 refuses by default. Newer
    # mmengine reads them nevertheless, 0.10.7 does not.
    os.environ.setdefault('TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD', '1')
    os.environ.setdefault('LOCAL_RANK', str(local_rank))
    if cfg.get('env_cfg', {}).get('tf32'):
        torch.backends.cuda.matmul.allow_tf32 = True
    if cfg.launcher != 'none' and get_device() == 'cpu':
        _use_gloo(cfg)
    try:
        yield
    finally:
        # The threads of a gloo group abort a process that ends before them. They end with the last
        # reference to the group, and models wrapped with it are part of cycles.
        if torch.distributed.is_initialized():
            torch.distributed.destroy_process_group()
            gc.collect()


def _use_gloo(cfg: Config) -> None:
    if cfg.launcher != 'pytorch':
        raise SystemExit(
            f'--launcher {cfg.launcher} needs accelerators, found none: on CPUs use '
            'tools/dist_train.sh or tools/dist_test.sh'
        )
    torch.distributed.init_process_group('gloo')
    wrapper = {
        'type': 'MMDistributedDataParallel',
        'broadcast_buffers': False,
        'find_unused_parameters': cfg.get('find_unused_parameters', False),
    }
    cfg.model_wrapper_cfg = {**wrapper, **cfg.get('model_wrapper_cfg', {}), 'device_ids': None}
