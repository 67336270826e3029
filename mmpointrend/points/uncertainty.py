"""How sure a prediction is, point by point."""

import torch
from torch import Tensor


def uncertainty(logits: Tensor, dim: int = -1) -> Tensor:
    """Uncertainty of predictions; the most uncertain is 0, surer ones are smaller (PointRend, Sec.
    3.1 and 4).

    For one channel it is minus the distance of the logit from 0, that is, of the probability from
    0.5. For several channels it is the second largest logit minus the largest.

    Args:
        logits: Any shape with C >= 1 channels along ``dim``.
        dim: Dimension of the channels.

    Returns:
        The same shape without ``dim``, at most 0.
    """
    if logits.shape[dim] == 1:
        return logits.squeeze(dim).abs().neg_()
    # Plane by plane: topk along a dimension that is not the last one is several times slower.
    first, *others = logits.unbind(dim)
    second = torch.full_like(first, -torch.inf)
    for other in others:
        second = torch.maximum(second, torch.minimum(first, other))
        first = torch.maximum(first, other)
    return second - first
