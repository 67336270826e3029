from torch import Tensor, nn

from mmpointrend.registry import MODELS


@MODELS.register_module()
class ParameterL2Loss(nn.Module):
    """Mean square of predicted parameters.

    Keeps the point heads of Implicit PointRend small (Pointly-Supervised Instance Segmentation,
    Sec. 5).

    Args:
        loss_weight: Factor of the loss.
    """

    def __init__(self, loss_weight: float = 1e-5) -> None:
        super().__init__()
        self.loss_weight = loss_weight

    def forward(self, parameters: Tensor) -> Tensor:
        """Compute the loss.

        Args:
            parameters: Any shape.

        Returns:
            Scalar, float32; zero, and still connected, when there are no parameters.
        """
        return self.loss_weight * parameters.float().square().sum() / max(parameters.numel(), 1)
