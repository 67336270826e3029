"""Checkpoints without trained weights: the names and shapes of published ones."""

import json

import torch
from torch import Tensor

from ..reference import DATA


def detectron2_tensors(name: str, with_computed: bool = True) -> dict[str, Tensor]:
    """Every tensor of a detectron2 model, as large as the real one; its values take no memory.

    Args:
        name: Of ``tests/data/keys_NAME.json``.
        with_computed: Whether to add what newer checkpoints leave out.
    """
    keys = json.loads((DATA / f'keys_{name}.json').read_text())
    shapes = keys['state_dict'] | (keys['not_in_state_dict'] if with_computed else {})
    return {key: torch.zeros(1).expand(shape) for key, shape in shapes.items()}


def below(prefix: str, state: dict[str, Tensor]) -> dict[str, Tensor]:
    """The tensors of a part under their names in the whole."""
    return {f'{prefix}.{key}': value for key, value in state.items()}


def part(prefix: str, state: dict[str, Tensor]) -> dict[str, Tensor]:
    """The tensors of a part under their names there."""
    return {
        key.removeprefix(f'{prefix}.'): value
        for key, value in state.items()
        if key.startswith(f'{prefix}.')
    }
