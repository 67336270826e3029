"""Pictures of points, masks and their refinement."""

from .figures import points_figure, predictions_figure, save_figure, subdivision_figure

__all__ = ['points_figure', 'predictions_figure', 'save_figure', 'subdivision_figure']
