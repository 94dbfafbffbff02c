"""What moved is found at its old place, with a warning that names the new one."""

from __future__ import annotations

import ast
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

SRC = Path(__file__).parent.parent.parent / "src"
MODULES = {
    "holotype.artifact_errors": "holotype.errors",
    "holotype.artifacts": "holotype.publishing",
    "holotype.encoders.mode_vectors": "holotype.encoders.modes",
    "holotype.encoders.quantization": "holotype.encoders.vectors.quantization",
    "holotype.encoders.ragged": "holotype.encoders.vectors.ragged",
    "holotype.encoders.sparse_vectors": "holotype.encoders.vectors.sparse",
    "holotype.encoders.token_pooling": "holotype.encoders.vectors.token_pooling",
    "holotype.mode_errors": "holotype.errors",
    "holotype.store_errors": "holotype.errors",
}
# What the documentation of 0.1.0 imported.
DOCUMENTED = [
    ("holotype.artifact_errors", "ManifestError"),
    ("holotype.artifacts", "CreationOptions"),
    ("holotype.artifacts", "create_artifact"),
    ("holotype.artifacts", "get_model_info"),
    ("holotype.artifacts", "load_labels"),
    ("holotype.artifacts", "rollback_alias"),
    ("holotype.artifacts", "set_alias"),
    ("holotype.encoders.mode_vectors", "ModeVectors"),
    ("holotype.encoders.quantization", "calibrate"),
    ("holotype.encoders.quantization", "quantize"),
    ("holotype.encoders.ragged", "Ragged"),
    ("holotype.encoders.sparse_vectors", "SparseVectors"),
    ("holotype.encoders.token_pooling", "pool_tokens"),
]


@pytest.mark.parametrize(("old", "new"), MODULES.items())
def test_an_old_module_warns_and_names_the_new_one(
    old: str, new: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, old, raising=False)
    with pytest.warns(DeprecationWarning, match=f"^{old} is {new} now; ") as warned:
        importlib.import_module(old)
    assert len(warned) == 1


def test_the_warning_stands_at_the_line_that_imports(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text("\nfrom holotype.artifact_errors import ArtifactError\n")
    command = [sys.executable, "-W", "always", str(script)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert f"{script}:2: DeprecationWarning: holotype.artifact_errors is " in done.stderr


@pytest.mark.parametrize(("old", "name"), DOCUMENTED)
def test_a_documented_name_is_the_same_object_at_both_places(old: str, name: str) -> None:
    with pytest.warns(DeprecationWarning):
        sys.modules.pop(old, None)
        found = getattr(importlib.import_module(old), name)
    assert found is getattr(importlib.import_module(MODULES[old]), name)


def test_a_name_that_changed_is_still_in_its_old_module() -> None:
    sys.modules.pop("holotype.artifact_errors", None)
    with pytest.warns(DeprecationWarning):
        old = importlib.import_module("holotype.artifact_errors")
    assert old.Finding is importlib.import_module("holotype.errors").FileDifference


def test_a_name_that_moved_out_of_a_module_warns() -> None:
    references = importlib.import_module("holotype.references")
    errors = importlib.import_module("holotype.errors")
    with pytest.warns(DeprecationWarning, match=r"holotype.references.Finding is .*FileDifference"):
        assert references.Finding is errors.FileDifference
    with pytest.raises(AttributeError, match="has no attribute 'Fnding'"):
        _ = references.Fnding


@pytest.mark.parametrize("file", sorted(SRC.rglob("*.py")), ids=lambda file: file.stem)
def test_nothing_of_ours_imports_from_an_old_place(file: Path) -> None:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    assert not [node.module for node in imports if node.module in MODULES]


def test_importing_holotype_loads_no_old_place() -> None:
    code = f"import sys, holotype; print([name for name in {list(MODULES)} if name in sys.modules])"
    command = [sys.executable, "-W", "error", "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_type_checkers_see_the_names_at_their_old_places(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    lines = [f"from {old} import {name} as _{at}" for at, (old, name) in enumerate(DOCUMENTED)]
    lines += ["from holotype.references import Finding", "reveal_type(Finding)"]
    script.write_text("\n".join(lines) + "\n")
    command = [sys.executable, "-m", "mypy", "--strict", "--follow-imports=silent", str(script)]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, cwd=tmp_path, timeout=300
    )
    assert done.returncode == 0, done.stdout
    assert "FileDifference" in done.stdout
