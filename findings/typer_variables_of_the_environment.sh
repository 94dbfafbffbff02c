#!/usr/bin/env bash
# What surprised: typer 0.26.0 shows the variable of an option in its help, and does not read it; 0.26.1 does.
# Version: typer 0.26.0 and 0.26.1, Python 3.11 or newer.
# Why it matters here: holotype names its database in HOLOTYPE_DATABASE; with 0.26.0 a command would write to another one, without a word.
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
cat > "$folder/app.py" <<'PYTHON'
from typing import Annotated

import typer


def show(database: Annotated[str, typer.Option(envvar="EXAMPLE_DATABASE")] = "default") -> None:
    print(database)


typer.run(show)
PYTHON
for version in 0.26.0 0.26.1; do
    python3 -m venv "$folder/$version"
    "$folder/$version/bin/python" -m pip install --quiet --disable-pip-version-check "typer==$version"
    help="$("$folder/$version/bin/python" "$folder/app.py" --help)"
    found="$(EXAMPLE_DATABASE=named "$folder/$version/bin/python" "$folder/app.py")"
    echo "typer $version: help names the variable: $(grep -c EXAMPLE_DATABASE <<< "$help"); expected: named; seen: $found"
    echo "$found" >> "$folder/seen"
done
test "$(paste -sd ' ' "$folder/seen")" = "default named"
