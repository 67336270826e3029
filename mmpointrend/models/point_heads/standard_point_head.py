from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmpointrend.registry import MODELS


class PointLayer(NamedTuple):
    """A layer of the point head: ``hidden @ weight + coarse @ coarse_weight + bias``.

    What it knows of the coarse prediction at a point are K numbers: the logits of the coarse
    channels or, multiplied in advance, the weights of the cells that the point reads.

    Attributes:
        weight: Shape (inputs, outputs), or (R, inputs, outputs) where regions have their own.
        coarse_weight: Shape (K, outputs) or (R, K, outputs); None where the layer does not see the
            coarse prediction.
        bias: Shape (outputs,) or (R, 1, outputs).
    """

    weight: Tensor
    coarse_weight: Tensor | None
    bias: Tensor

    def __call__(self, hidden: Tensor, coarse: Tensor) -> Tensor:
        """Evaluate the layer on (R, P, inputs) and (R, P, K); returns (R, P, outputs)."""
        if self.weight.ndim == 2:
            result = F.linear(hidden, self.weight.T, self.bias)
        else:
            bias, weight = self.bias.to(hidden.dtype), self.weight.to(hidden.dtype)
            result = torch.baddbmm(bias, hidden, weight)
        if self.coarse_weight is None:
            return result
        coarse_weight = self.coarse_weight.to(result.dtype).expand(len(coarse), -1, -1)
        return result.baddbmm_(coarse.to(result.dtype), coarse_weight)


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
        self.inputs = [in_channels, *[fc_channels] * num_fcs]  # beside the coarse prediction
        self.fcs = nn.ModuleList([nn.Linear(in_channels + self.coarse_channels, fc_channels)])
        for _ in range(num_fcs - 1):
            self.fcs.append(nn.Linear(fc_channels + repeated, fc_channels))
        self.predictor = nn.Linear(fc_channels + repeated, outputs)

    def forward(self, features: Tensor, coarse: Tensor, labels: Tensor | None = None) -> Tensor:
        """Evaluate the MLP at points.

        Args:
            features: Fine features at the points, shape (R, P, D).
            coarse: Coarse prediction at the points, shape (R, P, coarse channels).
            labels: Class of each region, shape (R,). When given, only that class's output is
                computed.

        Returns:
            Logits, shape (R, P, C), or (R, P, 1) with ``labels`` or when class agnostic.
        """
        return self.evaluate(features, coarse, self.layers(labels))

    def layers(self, labels: Tensor | None = None, cells: Tensor | None = None) -> list[PointLayer]:
        """The layers of the MLP, for :meth:`evaluate`.

        Args:
            labels: As in :meth:`forward`.
            cells: Coarse prediction on the K cells of a map of each region, shape (R, K, coarse
                channels). The layers are linear in the coarse prediction, so their coarse weights
                are multiplied with it here, and the many classes never meet the many points.

        Returns:
            Hidden layers and the last one. Their K are the coarse channels, or the cells.
        """
        linears = [(fc.weight.T, fc.bias) for fc in self.fcs]
        weight, bias = self.predictor.weight, self.predictor.bias
        if labels is None or len(weight) == 1:
            linears.append((weight.T, bias))
        else:
            # One column for each region, (R, channels, 1); the other classes are never computed.
            linears.append((weight[labels, :, None], bias[labels, None, None]))
        layers = []
        for (weight, bias), inputs in zip(linears, self.inputs, strict=True):
            weight, coarse_weight = weight.tensor_split((inputs,), dim=-2)
            if not coarse_weight.shape[-2]:
                coarse_weight = None
            elif cells is not None:
                coarse_weight = cells @ coarse_weight
            layers.append(PointLayer(weight, coarse_weight, bias))
        return layers

    def evaluate(self, hidden: Tensor, coarse: Tensor, layers: Sequence[PointLayer]) -> Tensor:
        """Evaluate layers at points.

        Args:
            hidden: Fine features at the points, shape (R, P, D).
            coarse: Coarse prediction at the points, shape (R, P, coarse channels), or, with
                ``cells``, what a point takes of each cell, shape (R, P, K).
            layers: What :meth:`layers` gave.

        Returns:
            As :meth:`forward`.
        """
        for layer in layers[:-1]:
            hidden = layer(hidden, coarse).relu_()
            coarse = coarse.to(hidden.dtype)  # once, where autocast has halved it
        return layers[-1](hidden, coarse)
