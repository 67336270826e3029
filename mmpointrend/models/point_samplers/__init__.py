from .uncertain_point_sampler import UncertainPointSampler
from .uniform_point_sampler import UniformPointSampler

__all__ = ['UncertainPointSampler', 'UniformPointSampler']
