"""The functional core: points in, logits out. Needs torch only."""

from .coordinates import image_to_region, in_region, region_to_image, regular_grid
from .rendering import RenderStep, predict_grid, render, subdivide, uncertain_cells
from .sampling import (
    bilinear_weights,
    label_points,
    sample_maps,
    sample_region_features,
    uncertain_points,
    uniform_points,
)
from .uncertainty import uncertainty

__all__ = [
    'RenderStep',
    'bilinear_weights',
    'image_to_region',
    'in_region',
    'label_points',
    'predict_grid',
    'region_to_image',
    'regular_grid',
    'render',
    'sample_maps',
    'sample_region_features',
    'subdivide',
    'uncertain_cells',
    'uncertain_points',
    'uncertainty',
    'uniform_points',
]
