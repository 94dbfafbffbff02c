#!/usr/bin/env bash
# What surprised: the centre crop of torchvision, and so of OpenCLIP, is not that of transformers: it rounds the corner to the nearest pixel, halves to even.
# Version: torchvision 0.28.0, transformers 5.23.0
# Why it matters here: a CLIP model has other vectors by OpenCLIP's description than by that of transformers, from the same weights and picture.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet torch==2.13.0 torchvision==0.28.0 transformers==5.23.0 pillow==13.0.0

seen=$("$work/venv/bin/python" - <<'PYTHON'
import importlib.util
from pathlib import Path

import numpy as np
import torch
from PIL import Image

# The operators of torchvision need the CUDA that it was built for; none of them is run here.
try:
    torch.ops.load_library(Path(importlib.util.find_spec("torchvision").origin).parent / "_C.so")
except OSError:
    for name in ("nms", "qnms"):
        arguments = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
        torch.library.define(f"torchvision::{name}", arguments)

from torchvision.transforms import CenterCrop
from transformers import CLIPImageProcessorPil

found = []
for width in (30, 31, 32, 33, 35, 37):
    levels = np.broadcast_to(np.arange(width, dtype=np.uint8), (30, width))
    image = Image.fromarray(np.ascontiguousarray(levels)).convert("RGB")
    one = np.asarray(CenterCrop(30)(image))[0, 0, 0]
    process = CLIPImageProcessorPil(do_resize=False, do_rescale=False, do_normalize=False)
    other = process(image, crop_size={"height": 30, "width": 30}).pixel_values[0][0, 0, 0]
    found.append(f"{int(one)}/{int(other)}")
print(" ".join(found))
PYTHON
)
echo "expected: crops of 30 from 30, 31, 32, 33, 35 and 37 columns begin at one column; seen: $seen"
test "$seen" = "0/0 0/0 1/1 2/1 2/2 4/3"
