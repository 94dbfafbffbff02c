"""The module of the fixture catalogue is, byte for byte, the one in git."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from holotype_codegen.generate import module_text

ROOT = Path(__file__).parent.parent.parent
CATALOGUE = ROOT / "tests" / "fixtures" / "small" / "models.json"
GOLDEN = ROOT / "tests" / "golden" / "small_models.py"


def test_the_fixture_catalogue_renders_as_its_golden_file() -> None:
    text = module_text(CATALOGUE, GOLDEN, root=ROOT, line_length=100)
    assert text == GOLDEN.read_text(encoding="utf-8"), "run `make golden` and read the difference"


@pytest.mark.parametrize("seed", ["1", "2"])
def test_the_hash_seed_does_not_change_a_byte(seed: str) -> None:
    command = [sys.executable, "-m", "holotype_codegen", "generate", str(CATALOGUE)]
    command += ["--output", str(GOLDEN), "--line-length", "100", "--stdout"]
    environment = {**os.environ, "PYTHONHASHSEED": seed}
    result = subprocess.run(command, capture_output=True, cwd=ROOT, env=environment, check=True)
    assert result.stdout == GOLDEN.read_bytes()


@pytest.mark.parametrize("line_length", [79, 88, 100, 120])
def test_the_text_is_clean_for_a_formatter_of_any_line_length(
    line_length: int, tmp_path: Path
) -> None:
    module = tmp_path / "models.py"
    text = module_text(CATALOGUE, module, root=ROOT, line_length=line_length)
    module.write_text(text, encoding="utf-8")
    ruff = [sys.executable, "-m", "ruff", "format", "--isolated", "--check"]
    command = [*ruff, "--line-length", str(line_length), str(module)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
