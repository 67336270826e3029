"""Running training and test."""

import mmpointrend.registry  # noqa: F401  (checks the stack before mmengine is imported)

from .json_lines import JsonLines, read_json_lines
from .launch import (
    add_launch_arguments,
    check_checkpoint,
    dataset_meta,
    innermost_dataset,
    load_config,
    prepared_process,
)

__all__ = [
    'JsonLines',
    'add_launch_arguments',
    'check_checkpoint',
    'dataset_meta',
    'innermost_dataset',
    'load_config',
    'prepared_process',
    'read_json_lines',
]
