"""The functional core: points in, logits out. Needs torch and numpy only."""

from .coordinates import image_to_region, in_region, region_to_image, regular_grid
from .refinement import refine_mask
from .rendering import RenderStep, predict_grid, render, subdivide, uncertain_cells
from .sampling import (
    bilinear_weights,
    label_points,
    sample_maps,
    sample_region_features,
    uncertain_points,
    uniform_points,
)
from .selection import boundary_band, getpoint, select_mask_points, uncertainty_map
from .uncertainty import uncertainty

__all__ = [
    'RenderStep',
    'bilinear_weights',
    'boundary_band',
    'getpoint',
    'image_to_region',
    'in_region',
    'label_points',
    'predict_grid',
    'refine_mask',
    'region_to_image',
    'regular_grid',
    'render',
    'sample_maps',
    'sample_region_features',
    'select_mask_points',
    'subdivide',
    'uncertain_cells',
    'uncertain_points',
    'uncertainty',
    'uncertainty_map',
    'uniform_points',
]
