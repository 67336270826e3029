"""Pictures of points, masks and their refinement."""

from .cost import CostPoint, cost_figure
from .figures import points_figure, predictions_figure, save_figure, subdivision_figure
from .rendering import rendering_figure
from .selection import mask_errors_figure, selection_figure

__all__ = [
    'CostPoint',
    'cost_figure',
    'mask_errors_figure',
    'points_figure',
    'predictions_figure',
    'rendering_figure',
    'save_figure',
    'selection_figure',
    'subdivision_figure',
]
