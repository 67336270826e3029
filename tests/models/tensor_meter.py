"""How large the tensors are that a piece of code makes."""

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


class TensorMeter(TorchDispatchMode):
    """Records the largest tensor that any operation returns while it is active.

    Attributes:
        largest: Its number of elements. Views count what they show, so that a broadcast that is
            about to be multiplied out is not missed.
        largest_bytes: Bytes of the largest storage behind a returned tensor.
    """

    def __init__(self) -> None:
        super().__init__()
        self.largest = self.largest_bytes = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        for tensor in tree_leaves(result):
            if isinstance(tensor, torch.Tensor):
                self.largest = max(self.largest, tensor.numel())
                num_bytes = tensor.untyped_storage().nbytes()
                self.largest_bytes = max(self.largest_bytes, num_bytes)
        return result
