"""Using trained models from Python."""

import mmpointrend.registry  # noqa: F401  (checks the stack before mmdet is imported)

from .box_masks import box_mask_head, predict_box_masks

__all__ = ['box_mask_head', 'predict_box_masks']
