#!/usr/bin/env bash
# Sets up a virtual environment for this repository: torch, mmcv with compiled operators, the rest of
# the stack, the package itself. Does nothing where the environment is up to date.
#
#     tools/setup_env.sh VENV {onedl|openmmlab}
#
# PYTHON  interpreter of a new environment (default python3), 3.10 or newer
# TORCH   what pip gets for torch (default torch==2.13.0); may hold options like --index-url URL
set -euo pipefail

venv=${1:?usage: tools/setup_env.sh VENV STACK}
stack=${2:?usage: tools/setup_env.sh VENV STACK}
interpreter=${PYTHON:-python3}
torch=${TORCH:-}

cd "$(dirname "${BASH_SOURCE[0]}")/.."
python=$venv/bin/python
stamp=$venv/mmpointrend-setup
export PIP_DISABLE_PIP_VERSION_CHECK=1

say() { echo "setup: $*"; }
fail() {
    echo "setup failed: $*" >&2
    exit 1
}
pip() { "$python" -m pip "$@"; }
install() { pip install --constraint "$venv/constraints.txt" "$@"; }
torch_version() { "$python" -c 'import torch; print(torch.__version__)' 2>/dev/null || true; }

# An operator must run, not only import: a build for another torch can do the one and not the other.
operators_work() {
    "$python" - <<'PYTHON'
import torch
from mmcv.ops import nms
device = 'cuda' if torch.cuda.is_available() else 'cpu'
boxes = torch.tensor([[0., 0., 4., 4.], [0., 0., 4., 4.], [5., 5., 9., 9.]], device=device)
kept = nms(boxes, torch.tensor([0.9, 0.8, 0.7], device=device), 0.5)[1]
assert kept.tolist() == [0, 2], kept
PYTHON
}

case $stack in
    onedl) mmcv=onedl-mmcv ;;
    openmmlab) mmcv=mmcv ;;
    *) fail "STACK=$stack is unknown: use onedl or openmmlab" ;;
esac

# The second line of the stamp is the TORCH it was made with. Where TORCH is not given again, the torch
# that is there stays.
key="$stack $(cat setup.py tools/setup_env.sh | cksum)"
if [[ -f $stamp ]] && [[ $(sed -n 1p "$stamp") == "$key" ]] &&
    [[ -z $torch || $(sed -n 2p "$stamp") == "$torch" ]]; then
    exit 0
fi
rm -f "$stamp"

if [[ ! -x $python ]]; then
    "$interpreter" -c 'import sys; sys.exit(sys.version_info < (3, 10))' ||
        fail "$interpreter is not Python 3.10 or newer: name one with PYTHON=/path/to/python3"
    say "environment $venv"
    "$interpreter" -m venv "$venv" ||
        fail "$interpreter -m venv $venv does not work (on Debian and Ubuntu: apt install python3-venv)"
fi

say 'torch and build tools'
had=$(torch_version)
[[ -n $torch || -z $had ]] || torch="torch==$had"
read -ra torch_arguments <<<"${torch:-torch==2.13.0}"
pip install "${torch_arguments[@]}" || fail "pip could not install ${torch_arguments[*]}"
has=$(torch_version)
[[ -n $has ]] || fail 'torch is installed but does not import'
# Operators compiled for one torch do not load with another.
[[ -z $had || $had == "$has" ]] || pip uninstall -y "$mmcv"

# From here on nothing may replace torch. mmcv 2.1 needs pkg_resources, which setuptools 82 removed.
echo "torch==$has" >"$venv/constraints.txt"
build_tools=('setuptools>=80,<82' wheel ninja packaging)
install "${build_tools[@]}" || fail "pip could not install ${build_tools[*]}"

say "the $stack stack; without a prebuilt $mmcv its operators are compiled: about 10 minutes on 2 cores"
MAX_JOBS=${MAX_JOBS:-$(nproc 2>/dev/null || echo 2)}
export MAX_JOBS
install --no-build-isolation --editable ".[$stack,test,lint]" ||
    fail "pip could not install the $stack stack; compiling mmcv needs a C++ compiler, the headers of Python (python3-dev) and, with a GPU, nvcc"

# opencv-python needs libGL, which servers and containers lack; the headless build does not.
if ! "$python" -c 'import cv2' 2>/dev/null; then
    say 'opencv-python does not import here: taking opencv-python-headless'
    version=$(pip show opencv-python | sed -n 's/^Version: //p')
    pip uninstall -y opencv-python opencv-python-headless
    install --no-deps "opencv-python-headless==$version" || fail 'no opencv-python-headless'
    "$python" -c 'import cv2' || fail 'opencv does not import'
fi

if ! operators_work 2>/dev/null; then
    say "the operators of this $mmcv do not work with torch $has: compiling them from source"
    version=$(pip show "$mmcv" | sed -n 's/^Version: //p')
    install --no-build-isolation --no-deps --no-cache-dir --force-reinstall \
        --no-binary "$mmcv" "$mmcv==$version" || fail "could not compile $mmcv"
    operators_work || fail "$mmcv was built without operators that work with torch $has"
fi
# openmim looks for a package beside its metadata, where an editable installation has nothing.
site=$("$python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
ln -sfn "$PWD/mmpointrend" "$site/mmpointrend"
"$python" -c 'import mmpointrend.registry' || fail 'the stack is not complete (see above)'

printf '%s\n%s\n' "$key" "$torch" >"$stamp"
say "$venv is ready: torch $has, $mmcv $(pip show "$mmcv" | sed -n 's/^Version: //p')"
