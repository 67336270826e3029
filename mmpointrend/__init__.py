"""Point-based segmentation for OpenMMLab.

``mmpointrend.points`` needs torch and numpy only, ``mmpointrend.annotation`` numpy and pycocotools.
Everything registered needs mmengine, mmcv and mmdet: ``mmpointrend.registry`` checks them.
"""

from .version import __version__

__all__ = ['__version__']
