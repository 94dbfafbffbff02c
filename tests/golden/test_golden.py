"""The module of the fixture catalogue and its stub are, byte for byte, those in git."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

from holotype_codegen.generate import generated_texts

ROOT = Path(__file__).parent.parent.parent
CATALOGUE = ROOT / "tests" / "fixtures" / "small" / "models.json"
GOLDEN = ROOT / "tests" / "golden" / "small_models.py"
STUB = GOLDEN.with_suffix(".pyi")


@pytest.mark.parametrize("golden", [GOLDEN, STUB], ids=["module", "stub"])
def test_the_fixture_catalogue_renders_as_its_golden_file(golden: Path) -> None:
    text = generated_texts(CATALOGUE, GOLDEN, root=ROOT, line_length=100)[golden]
    assert text == golden.read_text(encoding="utf-8"), "run `make golden` and read the difference"


@pytest.mark.parametrize("seed", ["1", "2"])
def test_the_hash_seed_does_not_change_a_byte(seed: str) -> None:
    command = [sys.executable, "-m", "holotype_codegen", "generate", str(CATALOGUE)]
    command += ["--output", str(GOLDEN), "--line-length", "100", "--stdout"]
    environment = {**os.environ, "PYTHONHASHSEED": seed}
    result = subprocess.run(command, capture_output=True, cwd=ROOT, env=environment, check=True)
    assert result.stdout == GOLDEN.read_bytes()
    command[-1] = "--check"
    subprocess.run(command, cwd=ROOT, env=environment, check=True)


@pytest.mark.parametrize("line_length", [79, 88, 100, 120])
def test_the_texts_are_clean_for_a_formatter_of_any_line_length(
    line_length: int, tmp_path: Path
) -> None:
    module = tmp_path / "models.py"
    texts = generated_texts(CATALOGUE, module, root=ROOT, line_length=line_length)
    for path, text in texts.items():
        path.write_text(text, encoding="utf-8")
    ruff = [sys.executable, "-m", "ruff", "format", "--isolated", "--check"]
    command = [*ruff, "--line-length", str(line_length), *map(str, texts)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr


def test_a_type_checker_sees_the_same_in_the_stub_as_in_the_module(tmp_path: Path) -> None:
    shutil.copy(GOLDEN, tmp_path / "alone.py")
    shutil.copy(GOLDEN, tmp_path / "stubbed.py")
    shutil.copy(STUB, tmp_path / "stubbed.pyi")
    names = _exported_names(GOLDEN)
    assert _exported_names(STUB) == names
    alone, stubbed = (_revealed_types(module, names, tmp_path) for module in ("alone", "stubbed"))
    assert stubbed == alone
    assert len(alone) == len(names)


def _exported_names(file: Path) -> set[str]:
    """Return the names in `__all__`, each of which the file must define."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    (exported,) = (
        ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"
    )
    return set(exported)


def _revealed_types(module: str, names: Iterable[str], folder: Path) -> list[str]:
    """Return the types that `mypy --strict` finds for the names of a module, in order."""
    program = [f"import {module}"]
    for name in sorted(names):
        is_type = name.endswith("Id")
        program += (
            [f"def of_{name}(value: {module}.{name}) -> None:", "    reveal_type(value)"]
            if is_type
            else [f"reveal_type({module}.{name})"]
        )
    (folder / "program.py").write_text("\n".join(program) + "\n", encoding="utf-8")
    command = [sys.executable, "-m", "mypy", "--strict", "--config-file", "", "program.py"]
    result = subprocess.run(command, capture_output=True, text=True, cwd=folder, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    return re.findall(r"Revealed type is (.*)", result.stdout.replace(f"{module}.", ""))
