"""What the sides of the comparison have in common."""

import math
from collections.abc import Callable, Mapping
from typing import NamedTuple

from mmengine.config import ConfigDict
from torch import Tensor, nn

from .inputs import Inputs

# Side of the coarse mask.
COARSE_SIZE = 7

# Gives masks, boolean, shape (R, H, W), or losses.
Work = Callable[[nn.Module, Inputs], Tensor]


class Side(NamedTuple):
    """PointRend as a library has it.

    Attributes:
        name: Of the library.
        model: The whole model or only its mask head; names of parameters are those of the library's
            whole model.
        works: What it is measured at, by the row of the table.
    """

    name: str
    model: nn.Module
    works: Mapping[str, Work]

    def run(self, work: str, inputs: Inputs) -> Tensor:
        """Do one of its works."""
        return self.works[work](self.model, inputs)


def draw_weights(head: nn.Module) -> None:
    """Draw the weights of a mask head; the usual initialisation gives masks without any edge."""
    for parameter in head.parameters():
        if parameter.ndim > 1:
            nn.init.kaiming_normal_(parameter)


def subdivision_steps(rcnn: ConfigDict) -> int:
    """Doublings from the coarse mask to the last resolution, for libraries that count all of them.

    Both mmdet and detectron2 predict every cell, as ours does, up to where ours starts.

    Args:
        rcnn: ``test_cfg.rcnn`` of a model of ours.
    """
    return int(math.log2(rcnn.subdivision_start / COARSE_SIZE)) + rcnn.subdivision_steps
