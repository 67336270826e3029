"""Checkpoints of other projects become ours. Needs torch and numpy only."""

from .conversion import Conversion, Renamed, convert, rename
from .files import Checkpoint, CheckpointError, read_checkpoint, write_checkpoint

__all__ = [
    'Checkpoint',
    'CheckpointError',
    'Conversion',
    'Renamed',
    'convert',
    'read_checkpoint',
    'rename',
    'write_checkpoint',
]
