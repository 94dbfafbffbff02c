#!/usr/bin/env bash
# What surprised: mteb's registry counts sentence-t5-base with T5's decoder, which the checkpoint (219 MB of float16) does not hold; gtr-t5-base, the same network, it counts without.
# Version: mteb 2.26.24
# Why it matters here: an exact count of the registry proves the shape of a network only where it is the count of what is stored.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m pip download --quiet --no-deps --disable-pip-version-check --dest "$work" mteb==2.26.24

seen=$(python3 - "$work" <<'PYTHON'
import re
import sys
from pathlib import Path
from zipfile import ZipFile

names = "mteb/models/model_implementations/"
[wheel] = Path(sys.argv[1]).glob("*.whl")
with ZipFile(wheel) as files:
    sources = [files.read(name).decode() for name in files.namelist() if name.startswith(names)]
for model in ("gtr-t5-base", "sentence-t5-base"):
    [entry] = [e for s in sources for e in s.split("ModelMeta(") if f'name="sentence-transformers/{model}"' in e]
    print(re.search(r"\bn_parameters=([\d_]+)", entry)[1].replace("_", ""))
PYTHON
)
width=768 words=32128 layers=12 inner=3072 heads=12
attention=$((4 * width * width)) forward=$((2 * width * inner))
encoder=$((layers * (attention + forward + 2 * width) + 32 * heads + width))
decoder=$((layers * (2 * attention + forward + 3 * width) + 32 * heads + width))
dense=$((width * width))
expected="$((words * width + encoder + dense))"
echo "expected: $expected twice; seen:" $seen
test "$(echo $seen)" = "$expected $((words * width + encoder + decoder))"
