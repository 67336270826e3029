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
