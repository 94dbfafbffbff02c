#!/usr/bin/env bash
# What surprised: torch's product of bytes is wrong, and says nothing, where oneDNN may not use VNNI: sums of two products end at 32,767.
# Version: torch 2.13.0 (oneDNN inside), any x86-64 processor with AVX2
# Why it matters here: int8 asks the processor for VNNI, and ONEDNN_MAX_CPU_ISA hides it from oneDNN alone; vectors in int8 were far off.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet torch==2.13.0 numpy==2.4.6

cat > "$work/product.py" <<'PYTHON'
import torch

run, pack = torch.ops.onednn.qlinear_pointwise.default, torch.ops.onednn.qlinear_prepack.default
weight = pack(torch.full((1, 2), 127, dtype=torch.int8), None)
vector = torch.full((1, 2), 255, dtype=torch.uint8)
one, zero = torch.ones(1), torch.zeros(1, dtype=torch.int64)
product = run(vector, 1.0, 0, weight, one, zero, None, 1.0, 0, torch.float32, "none", [], "")
print(int(product))
PYTHON

seen=$(ONEDNN_MAX_CPU_ISA=AVX2 "$work/venv/bin/python" "$work/product.py")
echo "expected: 2 * 127 * 255 = 64770, on every processor; seen with ONEDNN_MAX_CPU_ISA=AVX2: $seen"
test "$seen" = 32767
