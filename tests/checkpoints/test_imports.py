from ..test_import import STACK, import_without


def test_needs_torch_and_numpy_only() -> None:
    result = import_without((*STACK, 'pycocotools'), 'mmpointrend.checkpoints')
    assert result.returncode == 0, result.stderr
