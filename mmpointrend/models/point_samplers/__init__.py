from .uniform_point_sampler import UniformPointSampler

__all__ = ['UniformPointSampler']
