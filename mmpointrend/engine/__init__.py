"""Running training and test."""

import mmpointrend.registry  # noqa: F401  (checks the stack before mmengine is imported)

from .launch import add_launch_arguments, check_checkpoint, load_config, prepared_process

__all__ = ['add_launch_arguments', 'check_checkpoint', 'load_config', 'prepared_process']
