#!/usr/bin/env bash
# What surprised: with AVX2, oneDNN lays the same weight out in another order where torch has 4 threads than where it has 1; as many bytes, other places.
# Version: torch 2.13.0
# Why it matters here: holotype-kernels read oneDNN's copy of the weights; a layout that was looked at once per shape gave vectors that were wrong by 3.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.13.0

seen=$(ONEDNN_MAX_CPU_ISA=AVX2 "$work/venv/bin/python" -W ignore - <<'PYTHON'
import ctypes

import torch

torch.manual_seed(0)
weight = torch.randn(384, 384)
operators = torch.ops.mkldnn


def laid_out(n_threads: int) -> bytes:
    torch.set_num_threads(n_threads)
    packed = operators._reorder_linear_weight(weight, None)
    assert torch.equal(packed.to_dense(), weight)
    return ctypes.string_at(operators.data_ptr(packed), operators._nbytes(packed))


one, four = laid_out(1), laid_out(4)
print(f"same_size={len(one) == len(four)} same_places={one == four}")
PYTHON
)
echo "expected: same_size=True same_places=True; seen: $seen"
test "$seen" = "same_size=True same_places=False"
