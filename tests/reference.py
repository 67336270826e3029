"""Reference numbers under ``tests/data``: what another implementation computes for small random
weights and inputs.

The ``.npz`` files hold nested data with flat keys (``train/0/losses/loss_l2``). Their numbers, and
no code, come from facebookresearch/detectron2 at commit 02b5c4e2 (projects/PointRend and
projects/PointSup), run with torch 2.13.0 on a CPU in float32. Random numbers are stored beside the
results (``rand_draws``), in the order in which they were drawn.
"""

from pathlib import Path

import numpy as np
import torch

from mmpointrend.checkpoints import rename

DATA = Path(__file__).parent / 'data'


def load_reference(name: str) -> dict:
    """Read ``tests/data/NAME.npz``: dictionaries and lists of tensors, numbers and strings."""
    tree: dict = {}
    with np.load(DATA / f'{name}.npz') as file:
        for path, value in file.items():
            *parents, leaf = path.split('/')
            node = tree
            for parent in parents:
                node = node.setdefault(parent, {})
            is_plain = value.ndim == 0 and (value.dtype.kind in 'US' or leaf.startswith('='))
            node[leaf.lstrip('=')] = value.item() if is_plain else torch.from_numpy(value)
    return _with_lists(tree)


def _with_lists(node):
    if not isinstance(node, dict):
        return node
    values = {key: _with_lists(value) for key, value in node.items()}
    if values and all(key.isdigit() for key in values):
        return [values[str(i)] for i in range(len(values))]
    return values


def assert_same(actual: torch.Tensor, expected: torch.Tensor, rtol: float = 1e-5) -> None:
    """Check equality within ``rtol`` of the largest expected magnitude."""
    scale = max(expected.abs().max().item(), 1e-12) if expected.numel() else 1.0
    torch.testing.assert_close(actual, expected.to(actual.dtype), rtol=rtol, atol=rtol * scale)


def with_our_names(state: dict[str, torch.Tensor], part: str = '') -> dict[str, torch.Tensor]:
    """Parameters of a reference mask head, or their gradients, under the names of ours.

    Args:
        state: By the names of the reference. Those of gradients begin with ``param.``; those of
            features, ``feat.``, are left out.
        part: Which part of the mask head they are (``coarse_head``, ``point_head``); all of it by
            default.
    """
    theirs, ours = (
        '.'.join(filter(None, (head, 'mask_head', part))) + '.'
        for head in ('roi_heads', 'roi_head')
    )
    there = {
        theirs + key.removeprefix('param.'): value
        for key, value in state.items()
        if not key.startswith('feat.')
    }
    here = rename(there).tensors if there else {}
    return {key.removeprefix(ours): value for key, value in here.items()}
