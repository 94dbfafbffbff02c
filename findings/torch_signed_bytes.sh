#!/usr/bin/env bash
# What surprised: with AVX512-VNNI but no AMX, onednn.qlinear_pointwise multiplies int8 activations by packed int8 weights in oneDNN's reference code, over a hundred times as slowly as uint8 activations; torch._int_mm does not.
# Version: torch 2.13.0 (oneDNN 3.12.0), on an AMD EPYC (Zen 4)
# Why it matters here: int8 on torch must pass token vectors as uint8 around a zero point of 128, or it is slower than float32 by orders of magnitude.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet torch==2.13.0 numpy==2.4.6

"$work/venv/bin/python" - <<'PYTHON'
import time

import torch

able = torch.cpu.get_capabilities()
if not able.get("avx512_vnni") or able.get("amx_int8"):
    print("not shown: this processor lacks AVX512-VNNI, or has AMX")
    raise SystemExit(0)
torch.set_num_threads(1)
n_rows, n_in, n_out = 32, 384, 384
weight = torch.randint(-127, 128, (n_out, n_in), dtype=torch.int8)
packed = torch.ops.onednn.qlinear_prepack(weight, None)
signed = torch.randint(-127, 128, (n_rows, n_in), dtype=torch.int8)
unsigned = (signed.int() + 128).to(torch.uint8)
scales, zeros = torch.ones(n_out), torch.zeros(n_out, dtype=torch.int64)


def product(vectors: torch.Tensor, zero: int) -> torch.Tensor:
    return torch.ops.onednn.qlinear_pointwise(
        *(vectors, 1.0, zero, packed, scales, zeros, None),
        *(1.0, 0, torch.float32, "none", [], ""),
    )


def least_ms(run) -> float:
    times = []
    for _ in range(4):
        started = time.process_time()
        run()
        times.append(time.process_time() - started)
    return 1000 * min(times)


assert torch.equal(product(signed, 0), product(unsigned, 128))
slow = least_ms(lambda: product(signed, 0))
plain = least_ms(lambda: torch._int_mm(signed, weight.t()))
fast = least_ms(lambda: product(unsigned, 128))
print(f"expected: about equal; seen: int8 {slow:.2f}, uint8 {fast:.3f}, _int_mm {plain:.3f} ms")
assert slow > 100 * fast and plain < 10 * fast
PYTHON
