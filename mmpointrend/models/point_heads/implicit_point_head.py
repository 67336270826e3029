import itertools
import math

import torch
from mmengine.model import BaseModule
from torch import Tensor

from mmpointrend.registry import MODELS


@MODELS.register_module()
class ImplicitPointHead(BaseModule):
    """An MLP per region whose parameters are predicted, not learned (Implicit PointRend).

    It sees image features at a point and the point's position in the region, encoded by random
    Fourier features, and tells object from background.
    Source: Pointly-Supervised Instance Segmentation, Sec. 5 and Fig. 4.

    Args:
        num_classes: Number of classes C.
        in_channels: Channels D of the image features.
        num_fcs: Hidden layers of the MLP, at least 1.
        fc_channels: Width of the hidden layers.
        class_agnostic: Whether one output serves all classes.
        image_features: Whether the MLP sees image features.
        position: How the MLP sees the position: 'fourier', encoded; 'plain', as coordinates in
            [-1, 1]; None, not at all.
        num_frequencies: Random frequencies of the encoding; each gives a sine and a cosine.

    Raises:
        ValueError: When the MLP would see neither features nor position, or has no hidden layer, or
            ``position`` is unknown.
    """

    def __init__(
        self,
        num_classes: int,
        in_channels: int = 256,
        num_fcs: int = 3,
        fc_channels: int = 256,
        class_agnostic: bool = False,
        image_features: bool = True,
        position: str | None = 'fourier',
        num_frequencies: int = 128,
    ) -> None:
        super().__init__()
        encoded = {'fourier': 2 * num_frequencies, 'plain': 2, None: 0}
        if position not in encoded:
            raise ValueError(f"position must be 'fourier', 'plain' or None, got {position!r}")
        if not (image_features or position):
            raise ValueError('image_features is False and position None: there is nothing to see')
        if num_fcs < 1:
            raise ValueError(f'num_fcs must be at least 1, got {num_fcs}')
        self.image_features = image_features
        self.position = position
        inputs = image_features * in_channels + encoded[position]
        outputs = 1 if class_agnostic else num_classes
        # (inputs, outputs) of every layer, the last one included
        widths = [inputs, *[fc_channels] * num_fcs, outputs]
        self.layers = list(itertools.pairwise(widths))
        if position == 'fourier':
            self.register_buffer('frequencies', torch.randn(2, num_frequencies))

    @property
    def num_parameters(self) -> int:
        """Parameters of one region's MLP: all weights layer by layer, then all biases."""
        return sum(inputs * outputs + outputs for inputs, outputs in self.layers)

    def forward(
        self,
        features: Tensor,
        points: Tensor,
        parameters: Tensor,
        labels: Tensor | None = None,
    ) -> Tensor:
        """Evaluate each region's MLP at its points.

        Args:
            features: Image features at the points, shape (R, P, D).
            points: Region coordinates, shape (R, P, 2).
            parameters: Predicted parameters, shape (R, ``num_parameters``).
            labels: Class of each region, shape (R,). When given, only that class's output is
                computed.

        Returns:
            Logits, shape (R, P, C), or (R, P, 1) with ``labels`` or when class agnostic.
        """
        inputs = [self.encode(points)] if self.position else []
        if self.image_features:
            inputs.append(features)
        (first_weight, hidden), *hidden_layers, (weight, bias) = self._split(parameters)
        # Input by input: side by side they would be the largest tensor of the head.
        parts = first_weight.split([x.shape[2] for x in inputs], 1)
        for x, part in zip(inputs, parts, strict=True):
            hidden = torch.baddbmm(hidden, x.to(features.dtype), part)
        hidden = hidden.relu_()
        for hidden_weight, hidden_bias in hidden_layers:
            hidden = torch.baddbmm(hidden_bias, hidden, hidden_weight).relu_()
        if labels is not None and bias.shape[2] > 1:
            # (R, channels, C) -> (R, channels, 1): the other classes are never computed
            chosen = labels[:, None, None]
            weight = weight.gather(2, chosen.expand(-1, weight.shape[1], 1))
            bias = bias.gather(2, chosen)
        return torch.baddbmm(bias, hidden, weight)

    def encode(self, points: Tensor) -> Tensor:
        """Encode positions, by default by sines and cosines of random frequencies (Sec. 5).

        Written out as products and sums because autocast would round the coordinates of a matrix
        product to half precision.

        Args:
            points: Region coordinates, shape (R, P, 2).

        Returns:
            Shape (R, P, 2 * ``num_frequencies``), or (R, P, 2) when plain, float32 in [-1, 1].
        """
        centred = 2 * points.float() - 1
        if self.position == 'plain':
            return centred
        x, y = (2 * math.pi * centred).split(1, -1)  # (R, P, 1) each
        angles = x * self.frequencies[0] + y * self.frequencies[1]
        return torch.cat((angles.sin(), angles.cos()), -1)

    def _split(self, parameters: Tensor) -> list[tuple[Tensor, Tensor]]:
        """Weights (R, inputs, outputs) and biases (R, 1, outputs) of every layer."""
        sizes = [inputs * outputs for inputs, outputs in self.layers]
        sizes += [outputs for _, outputs in self.layers]
        parts = parameters.split(sizes, 1)
        num_layers = len(self.layers)
        weights = [
            part.unflatten(1, (outputs, inputs)).transpose(1, 2)
            for part, (inputs, outputs) in zip(parts[:num_layers], self.layers, strict=True)
        ]
        biases = [part[:, None] for part in parts[num_layers:]]
        return list(zip(weights, biases, strict=True))
