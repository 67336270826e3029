from collections.abc import Sequence

from mmengine.model import BaseModule
from torch import Tensor

from mmpointrend.points import regular_grid, sample_region_features
from mmpointrend.registry import MODELS


@MODELS.register_module()
class PointRoIExtractor(BaseModule):
    """Reads region features at points: on a regular grid for a whole region, or anywhere in it.

    PointRend's fine-grained features (Sec. 3.3) and the region features of its coarse mask head
    (Sec. 4.1) are the same bilinear reading of the finest levels, so one module gives both.

    Args:
        featmap_strides: Image pixels per cell of each level that is read; the levels are the first
            ones of the neck and their features stand side by side.
        output_size: Side S of the regular grid.
    """

    def __init__(self, featmap_strides: Sequence[int] = (4,), output_size: int = 14) -> None:
        super().__init__()
        self.featmap_strides = list(featmap_strides)
        self.output_size = output_size

    @property
    def num_inputs(self) -> int:
        """Number of feature levels that are read."""
        return len(self.featmap_strides)

    def forward(self, feats: Sequence[Tensor], rois: Tensor) -> Tensor:
        """Read each region on the regular grid.

        Args:
            feats: One map per level, (N, D, H, W) each.
            rois: Image index and box corners (i, x1, y1, x2, y2), shape (R, 5).

        Returns:
            Shape (R, levels * D, S, S).
        """
        size = (self.output_size, self.output_size)
        points = regular_grid(size, rois.device).expand(len(rois), -1, -1)
        return self.read(feats, rois, points).transpose(1, 2).unflatten(2, size)

    def read(self, feats: Sequence[Tensor], rois: Tensor, points: Tensor) -> Tensor:
        """Read each region at its points.

        Args:
            feats: As in :meth:`forward`.
            rois: As in :meth:`forward`.
            points: Region coordinates, shape (R, P, 2).

        Returns:
            Shape (R, P, levels * D).
        """
        return sample_region_features(feats, self.featmap_strides, rois, points)
