import pytest
from mmengine.registry import DefaultScope


@pytest.fixture(autouse=True, scope='package')
def default_scope():
    """The scope in which a runner reads the configs of this repository."""
    with DefaultScope.overwrite_default_scope('mmdet'):
        yield
