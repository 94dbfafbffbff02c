#!/usr/bin/env bash
# What surprised: ty passes a keyword that the TypedDict behind **options: Unpack[...] does not have, where mypy reports it.
# Version: ty 0.0.107, mypy 2.4.1
# Why it matters here: options of load and select are such dictionaries; they are closed (PEP 728) for ty's sake.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet ty==0.0.107 mypy==2.4.1 typing_extensions==4.16.0

program() { # a call with a keyword that is misspelt, for a TypedDict with these class arguments
    cat > "$work/program.py" <<PYTHON
from typing import overload
from typing_extensions import TypedDict, Unpack


class Options(TypedDict, total=False$1):
    device: str


@overload
def load(model: int, **options: Unpack[Options]) -> int: ...
@overload
def load(model: str, **options: Unpack[Options]) -> str: ...
def load(model: int | str, **options: Unpack[Options]) -> int | str:
    return model


load("a", devise="cpu")
PYTHON
}

count() { grep -c "devise\|no-matching-overload\|unknown-argument\|call-overload" || true; }

program ""
open_ty=$({ "$work/venv/bin/ty" check --python "$work/venv" --output-format concise "$work/program.py" 2> /dev/null || true; } | count)
open_mypy=$({ "$work/venv/bin/mypy" --strict "$work/program.py" || true; } | count)
program ", closed=True"
closed_ty=$({ "$work/venv/bin/ty" check --python "$work/venv" --output-format concise "$work/program.py" 2> /dev/null || true; } | count)
echo "expected: an error from each; seen: ty $open_ty, mypy $open_mypy, and ty with closed=True $closed_ty"
test "$open_ty" = 0
test "$open_mypy" -ge 1
test "$closed_ty" -ge 1
