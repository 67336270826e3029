"""A config names a component of this package; mmengine imports the package by itself."""

import subprocess
import sys

import pytest

from mmpointrend import registry

FIND = """
import sys
from mmdet import registry
from mmengine.registry import init_default_scope

init_default_scope('mmdet')
assert 'mmpointrend' not in sys.modules
print(
    registry.MODELS.get('mmpointrend.ImplicitPointHead').__module__,
    registry.DATASETS.get('mmpointrend.PointCocoDataset').__module__,
    registry.TRANSFORMS.get('mmpointrend.SubsamplePoints').__module__,
)
"""


def test_components_are_found_in_a_process_that_never_imports_them() -> None:
    result = subprocess.run([sys.executable, '-c', FIND], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    # The libraries may print while they are imported.
    assert result.stdout.splitlines()[-1].split() == [
        'mmpointrend.models.point_heads.implicit_point_head',
        'mmpointrend.datasets.coco_points',
        'mmpointrend.datasets.transforms.subsample',
    ]


@pytest.mark.parametrize('name', ['MODELS', 'DATASETS', 'TRANSFORMS', 'METRICS'])
def test_components_of_mmdet_are_not_shadowed(name: str) -> None:
    child = getattr(registry, name)
    child.import_from_location()
    mmdet = child.parent.children['mmdet']
    assert child.module_dict
    assert not set(child.module_dict) & set(child.parent.module_dict)
    # Both have a PointRendRoIHead; the prefix tells them apart.
    for key in set(child.module_dict) & set(mmdet.module_dict):
        assert mmdet.get(key) is mmdet.module_dict[key]
        assert mmdet.get(f'mmpointrend.{key}') is child.module_dict[key]
