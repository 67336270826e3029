"""Implementations of PointRend that ``tools/analysis_tools/benchmark_mask_head.py`` compares.

:mod:`.ours` is one side. Every other side is a module with the name of its library, imported only
where the library is installed. It has

* ``build(config, device)``, which makes a :class:`Side` with the settings of a model of ours and
  draws the weights of its mask head;
* ``PLANES_PER_CLASS``, how many planes of the last resolution a prediction holds at least, for each
  region and class.
"""

from . import ours
from .inputs import Inputs, make_inputs
from .side import Side, Work

__all__ = ['Inputs', 'Side', 'Work', 'make_inputs', 'ours']
