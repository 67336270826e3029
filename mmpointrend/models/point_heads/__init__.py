from .implicit_point_head import ImplicitPointHead
from .standard_point_head import StandardPointHead

__all__ = ['ImplicitPointHead', 'StandardPointHead']
