#!/usr/bin/env bash
# What surprised: resizing an image that is more than twice as high as wide gives other pixels in Pillow 13 than in Pillow 12, which resized rows before columns whatever the shape.
# Version: Pillow 12.3.0, 13.0.0
# Why it matters here: the vector of a tall picture depends on the version of Pillow, with every library; an index is filled and asked with one version.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for version in 12.3.0 13.0.0; do
    python3 -m venv "$work/$version"
    "$work/$version/bin/pip" install --quiet "pillow==$version"
done

cat > "$work/resize.py" <<'PYTHON'
import hashlib
import random

from PIL import Image

for width, height in ((600, 300), (300, 600), (300, 601), (300, 700)):
    noise = random.Random(0).randbytes(3 * width * height)
    image = Image.frombytes("RGB", (width, height), noise)
    target = (width // 3, height // 3)
    whole = image.resize(target, Image.Resampling.BICUBIC).tobytes()
    rows_first = image.resize((target[0], height), Image.Resampling.BICUBIC)
    rows_first = rows_first.resize(target, Image.Resampling.BICUBIC).tobytes()
    print(hashlib.sha256(whole).hexdigest()[:8], "rows" if whole == rows_first else "columns")
PYTHON

old=$("$work/12.3.0/bin/python" "$work/resize.py")
new=$("$work/13.0.0/bin/python" "$work/resize.py")
echo "expected: both versions give the same pixels; seen, by shape:"
paste <(echo "$old") <(echo "$new")
test "$(head -n 2 <<<"$old")" = "$(head -n 2 <<<"$new")"
test "$(tail -n 2 <<<"$old" | cut -d ' ' -f 2 | sort -u)" = "rows"
test "$(tail -n 2 <<<"$new" | cut -d ' ' -f 2 | sort -u)" = "columns"
