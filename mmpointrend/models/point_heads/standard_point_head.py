import torch
import torch.nn.functional as F
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmpointrend.registry import MODELS


@MODELS.register_module()
class StandardPointHead(BaseModule):
    """PointRend's point head: one MLP, shared by all points of all regions.

    It sees fine features at a point and the coarse prediction there, the latter again before each
    layer. Source: PointRend, Sec. 3.3.

    Args:
        num_classes: Number of classes C.
        in_channels: Channels D of the fine features.
        num_fcs: Hidden layers, at least 1.
        fc_channels: Width of the hidden layers.
        class_agnostic: Whether one output serves all classes.
        coarse_channels: Channels of the coarse prediction; None for one per output.
        coarse_each_layer: Whether every layer sees the coarse prediction, or the first one only.

    Raises:
        ValueError: Without a hidden layer.
    """

    def __init__(
        self,
        num_classes: int,
        in_channels: int = 256,
        num_fcs: int = 3,
        fc_channels: int = 256,
        class_agnostic: bool = False,
        coarse_channels: int | None = None,
        coarse_each_layer: bool = True,
    ) -> None:
        super().__init__(
            init_cfg=[
                {'type': 'Kaiming', 'layer': 'Linear'},
                {'type': 'Normal', 'std': 0.001, 'override': {'name': 'predictor'}},
            ]
        )
        if num_fcs < 1:
            raise ValueError(f'num_fcs must be at least 1, got {num_fcs}')
        outputs = 1 if class_agnostic else num_classes
        self.coarse_channels = outputs if coarse_channels is None else coarse_channels
        repeated = self.coarse_channels * coarse_each_layer
        self.fcs = nn.ModuleList([nn.Linear(in_channels + self.coarse_channels, fc_channels)])
        for _ in range(num_fcs - 1):
            self.fcs.append(nn.Linear(fc_channels + repeated, fc_channels))
        self.predictor = nn.Linear(fc_channels + repeated, outputs)

    def forward(
        self,
        features: Tensor,
        coarse: Tensor,
        weights: Tensor | None = None,
        labels: Tensor | None = None,
    ) -> Tensor:
        """Evaluate the MLP at points.

        Args:
            features: Fine features at the points, shape (R, P, D).
            coarse: Coarse prediction at the points, shape (R, P, coarse channels), or, with
                ``weights``, anywhere else: shape (R, K, coarse channels).
            weights: What each point takes of the K places, shape (R, P, K). The layers are linear
                in the coarse prediction, so it is multiplied at the K places and the many classes
                never meet the many points.
            labels: Class of each region, shape (R,). When given, only that class's output is
                computed.

        Returns:
            Logits, shape (R, P, C), or (R, P, 1) with ``labels`` or when class agnostic.
        """
        hidden = features
        for fc in self.fcs:
            hidden = self._affine(hidden, coarse, weights, fc.weight.T, fc.bias).relu_()
        weight, bias = self.predictor.weight, self.predictor.bias
        if labels is None or len(weight) == 1:
            return self._affine(hidden, coarse, weights, weight.T, bias)
        # One column for each region, (R, channels, 1); the other classes are never computed.
        weight, bias = weight[labels, :, None], bias[labels, None, None]
        return self._affine(hidden, coarse, weights, weight, bias)

    def _affine(
        self,
        hidden: Tensor,
        coarse: Tensor,
        weights: Tensor | None,
        weight: Tensor,
        bias: Tensor,
    ) -> Tensor:
        """One layer on ``hidden`` and, when it has columns for it, the coarse prediction; weight
        (inputs, outputs), or (R, inputs, outputs) with bias (R, 1, 1)."""
        own, from_coarse = weight.tensor_split((hidden.shape[2],), dim=-2)
        if weight.ndim == 2:
            result = F.linear(hidden, own.T, bias)
        else:
            result = torch.baddbmm(bias.to(hidden.dtype), hidden, own.to(hidden.dtype))
        if not from_coarse.shape[-2]:
            return result
        if weights is None:
            left, right = coarse, from_coarse.expand(len(coarse), -1, -1)
        else:
            left, right = weights, coarse @ from_coarse
        return result.baddbmm_(left.to(result.dtype), right.to(result.dtype))
