#!/usr/bin/env bash
# What surprised: Image.frombuffer("RGB", size, data, "raw", "RGBX", 0, 1) returns an image of mode RGBX, with four channels, though it is asked for RGB; frombytes, and frombuffer with the raw mode BGRX, return RGB.
# Version: Pillow 12.3.0, 13.0.0
# Why it matters here: pixels of four bytes become pictures of mode RGB by frombytes alone; an array of the other has the wrong shape.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for version in 12.3.0 13.0.0; do
    python3 -m venv "$work/$version"
    "$work/$version/bin/pip" install --quiet "pillow==$version"
done

cat > "$work/modes.py" <<'PYTHON'
from PIL import Image

pixels = bytes(range(16))
mapped = Image.frombuffer("RGB", (2, 2), pixels, "raw", "RGBX", 0, 1)
others = Image.frombuffer("RGB", (2, 2), pixels, "raw", "BGRX", 0, 1)
copied = Image.frombytes("RGB", (2, 2), pixels, "raw", "RGBX")
print(mapped.mode, others.mode, copied.mode)
PYTHON

for version in 12.3.0 13.0.0; do
    seen=$("$work/$version/bin/python" "$work/modes.py")
    echo "Pillow $version: expected RGB RGB RGB; seen $seen"
    test "$seen" = "RGBX RGB RGB"
done
