import math
from collections.abc import Sequence

from mmengine.model import BaseModule
from torch import Tensor, nn

from mmpointrend.registry import MODELS


@MODELS.register_module()
class ConvFCHead(BaseModule):
    """Predicts one vector, or one small map, for a region as a whole.

    A 1 x 1 convolution to ``conv_channels`` (where the input has others), a 2 x 2 convolution of
    stride 2, fully connected layers. Source: PointRend, Sec. 4.1 (the coarse mask head), and
    Pointly-Supervised Instance Segmentation, Sec. 5 (the parameter head). Without the convolutions
    it is the standard box head, which the latter compares with.

    Args:
        output_shape: Shape of a region's output.
        in_channels: Channels D of the region features.
        roi_feat_size: Side S of the region features; even, where they are halved.
        conv_channels: Width of the convolutions; None for no convolutions.
        num_fcs: Hidden fully connected layers.
        fc_channels: Width of the hidden layers.
    """

    def __init__(
        self,
        output_shape: Sequence[int],
        in_channels: int = 256,
        roi_feat_size: int = 14,
        conv_channels: int | None = 256,
        num_fcs: int = 2,
        fc_channels: int = 1024,
    ) -> None:
        super().__init__(
            init_cfg=[
                {'type': 'Kaiming', 'layer': 'Conv2d'},
                {'type': 'Caffe2Xavier', 'layer': 'Linear'},
                {'type': 'Normal', 'std': 0.001, 'override': {'name': 'prediction'}},
            ]
        )
        self.output_shape = tuple(output_shape)
        convs, width = [], in_channels * roi_feat_size**2
        if conv_channels is not None:
            if in_channels != conv_channels:
                convs += [nn.Conv2d(in_channels, conv_channels, 1), nn.ReLU(inplace=True)]
            convs += [nn.Conv2d(conv_channels, conv_channels, 2, stride=2), nn.ReLU(inplace=True)]
            width = conv_channels * (roi_feat_size // 2) ** 2
        self.convs = nn.Sequential(*convs)
        fcs = []
        for _ in range(num_fcs):
            fcs += [nn.Linear(width, fc_channels), nn.ReLU(inplace=True)]
            width = fc_channels
        self.fcs = nn.Sequential(*fcs)
        self.prediction = nn.Linear(width, math.prod(self.output_shape))

    def forward(self, x: Tensor) -> Tensor:
        """Predict from region features.

        Args:
            x: Shape (R, D, S, S); R may be zero.

        Returns:
            Shape (R, *output_shape).
        """
        hidden = self.fcs(self.convs(x).flatten(1))
        return self.prediction(hidden).unflatten(1, self.output_shape)
