"""Registries of mmpointrend: children of mmengine's, searched under the scope ``mmpointrend``.

A config whose ``default_scope`` is ``mmdet`` names a component of this package as
``mmpointrend.X``; mmengine then imports this module, and from it the ``locations``, by itself.
"""

from .stack import check_stack

# Before any import of mmengine, so that its absence is reported in one line.
check_stack()

from mmengine import registry  # noqa: E402

MODELS = registry.Registry(
    'model', parent=registry.MODELS, scope='mmpointrend', locations=['mmpointrend.models']
)
DATASETS = registry.Registry(
    'dataset', parent=registry.DATASETS, scope='mmpointrend', locations=['mmpointrend.datasets']
)
TRANSFORMS = registry.Registry(
    'transform',
    parent=registry.TRANSFORMS,
    scope='mmpointrend',
    locations=['mmpointrend.datasets.transforms'],
)
METRICS = registry.Registry(
    'metric',
    parent=registry.METRICS,
    scope='mmpointrend',
    locations=['mmpointrend.evaluation.metrics'],
)
