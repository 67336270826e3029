from .parameter_l2_loss import ParameterL2Loss
from .point_cross_entropy_loss import PointCrossEntropyLoss
from .point_dice_loss import PointDiceLoss

__all__ = ['ParameterL2Loss', 'PointCrossEntropyLoss', 'PointDiceLoss']
