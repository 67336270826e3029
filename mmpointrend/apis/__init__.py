"""Using trained models from Python."""

import mmpointrend.registry  # noqa: F401  (checks the stack before mmdet is imported)

from .box_masks import predict_box_masks

__all__ = ['predict_box_masks']
