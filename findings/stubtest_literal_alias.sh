#!/usr/bin/env bash
# What surprised: mypy's stubtest refuses an alias of a Literal that module and stub define in the same words.
# Version: mypy 2.4.1
# Why it matters here: stubtest cannot compare a generated module with its stub, whose ids are such aliases.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet mypy==2.4.1

cd "$work"
printf 'from typing import Literal, TypeAlias\n\nId: TypeAlias = Literal["a"]\nSize: TypeAlias = list[int]\n' > thing.py
cp thing.py thing.pyi
said=$(MYPYPATH=. PYTHONPATH=. venv/bin/python -m mypy.stubtest --concise thing || true)
echo "expected: no differences between two equal files; seen: $said"
grep -q 'thing.Id is not a recognised type alias' <<< "$said"
! grep -q 'thing.Size' <<< "$said"
