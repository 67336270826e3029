#!/usr/bin/env bash
# Evaluates with several processes: one per GPU, or, on a machine without one, CPU processes.
#
#     tools/dist_test.sh CONFIG CHECKPOINT PROCESSES [arguments of tools/test.py]
#
# Several nodes: run it on each with NNODES, NODE_RANK and MASTER_ADDR (and PORT) set.
set -euo pipefail
usage='usage: tools/dist_test.sh CONFIG CHECKPOINT PROCESSES [arguments of tools/test.py]'
config=${1:?$usage}
checkpoint=${2:?$usage}
processes=${3:?$usage}
tools=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

PYTHONPATH="$tools/..${PYTHONPATH:+:$PYTHONPATH}" exec "${PYTHON:-python}" -m torch.distributed.run \
    --nnodes "${NNODES:-1}" --node-rank "${NODE_RANK:-0}" --nproc-per-node "$processes" \
    --master-addr "${MASTER_ADDR:-127.0.0.1}" --master-port "${PORT:-29500}" \
    "$tools/test.py" "$config" "$checkpoint" --launcher pytorch "${@:4}"
