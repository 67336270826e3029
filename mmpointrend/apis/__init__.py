"""Using trained models from Python."""

from .box_masks import predict_box_masks

__all__ = ['predict_box_masks']
