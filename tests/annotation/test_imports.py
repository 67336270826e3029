"""The annotation package stands alone."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_importing_it_loads_neither_torch_nor_openmmlab() -> None:
    code = (
        'import sys, mmpointrend.annotation.formats;'
        "print(*{'torch', 'mmengine', 'mmcv', 'mmdet', 'cv2'} & set(sys.modules))"
    )
    command = [sys.executable, '-c', code]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == ''
