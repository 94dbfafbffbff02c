#!/usr/bin/env bash
# What surprised: a Literal of 257 strings is str to pyrefly, so that no wrong string is an error; one of 256 is checked.
# Version: pyrefly 1.4.1
# Why it matters here: ids are a Literal of all models; without a union of shorter ones, pyrefly accepts any id.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet pyrefly==1.4.1

errors() { # how many errors pyrefly reports for a program with a Literal of so many strings
    python3 - "$1" > "$work/program.py" <<'PYTHON'
import sys
names = ", ".join(f'"model-{n}"' for n in range(int(sys.argv[1])))
print(f"from typing import Literal\n\nId = Literal[{names}]\n\n\ndef find(id: Id) -> None: ...\n\n\nfind('no-such-model')")
PYTHON
    "$work/venv/bin/pyrefly" check --preset strict --output-format json "$work/program.py" 2> /dev/null |
        python3 -c 'import json, sys; print(len(json.load(sys.stdin)["errors"]))' || true
}

short=$(errors 256)
long=$(errors 257)
echo "expected: one error for each program; seen: $short with 256 strings, $long with 257"
test "$short" = 1
test "$long" = 0
