import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch.utils import backend_registration

ROOT = Path(__file__).parents[2]


@pytest.mark.skipif(
    not hasattr(backend_registration, '_setup_privateuseone_for_python_backend'),
    reason=f'torch {torch.__version__} cannot make devices in Python',
)
def test_every_method_on_a_device_of_its_own() -> None:
    tests = Path(__file__).with_name('methods.py')
    command = [sys.executable, '-m', 'pytest', '-q', '--show-capture=no', str(tests)]
    environment = os.environ | {'PYTHONPATH': str(ROOT), 'OMP_NUM_THREADS': '1'}
    result = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stdout
