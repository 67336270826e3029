from .implicit_point_head import ImplicitPointHead

__all__ = ['ImplicitPointHead']
