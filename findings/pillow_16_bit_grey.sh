#!/usr/bin/env bash
# What surprised: Pillow turns a 16-bit grey PNG into RGB by clipping, so that all levels above 255 of 65535 become white.
# Version: pillow 13.0.0
# Why it matters here: scans and X-rays of 16 bits would all be one white picture, with one vector, and no error.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet pillow==13.0.0 numpy==2.4.6

seen=$("$work/venv/bin/python" - <<'PYTHON'
from io import BytesIO

import numpy as np
from PIL import Image

file = BytesIO()
levels = np.array([[0, 128, 256, 32768, 65535]], dtype=np.uint16)
Image.fromarray(levels).save(file, "PNG")
found = np.asarray(Image.open(file).convert("RGB"))[0, :, 0]
print(" ".join(map(str, found)))
PYTHON
)
echo "expected: levels 0 128 256 32768 65535 become 0 0 1 128 255; seen: $seen"
test "$seen" = "0 128 255 255 255"
