"""Mistakes that a type checker finds in a program, before anything is downloaded or run."""

import subprocess
import sys
import tempfile
from pathlib import Path

PROGRAM = """\
from holotype import get_model, load
from holotype.models import JINA_COLBERT_V2

get_model("jina-colbert-v3")
load(JINA_COLBERT_V2, dim=100)
JINA_COLBERT_V2.embeding_dim
"""


def main() -> None:
    """Show the program and mypy's report."""
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder) / "search.py"
        program.write_text(PROGRAM, encoding="utf-8")
        command = [sys.executable, "-m", "mypy", "--strict", "--hide-error-context"]
        command += ["--cache-dir", str(Path(folder) / "cache"), program.name]
        result = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    print("search.py:")
    for number, line in enumerate(PROGRAM.splitlines(), 1):
        print(f"  {number}  {line}")
    print("\nmypy --strict search.py:")
    for line in result.stdout.splitlines():
        if ": note:" not in line:
            print(f"  {line}")
    if result.returncode != 1:
        sys.exit(f"mypy was expected to find errors: {result.stdout}{result.stderr}")


if __name__ == "__main__":
    main()
