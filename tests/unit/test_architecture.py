"""Who may import whom, and what `import holotype` may cost."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import holotype

SRC = Path(__file__).parent.parent.parent / "src"
HEAVY = [
    "torch",
    "transformers",
    "numpy",
    "jinja2",
    "jsonschema",
    "huggingface_hub",
    "typer",
    "rich",
    "fsspec",
    "filelock",
    "platformdirs",
    "tenacity",
]

# Lower may not import higher. What is not listed here is as low as errors.
LAYERS = (
    *(
        "errors",
        "records",
        "catalogue",
        "models",
        "languages",
        "query",
        "references",
        "encoders",
        "hub",
    ),
    *("adapters", "publishing", "artifacts", "cluster", "cli"),
)
# The rooms of the encoders, with the same rule. Modules that lie in none are what users call, and
# what is that simple that every room may know it.
ROOMS = (
    *("checkpoints", "kinds", "inputs", "running", "vectors", "arrays"),
    *("graphs", "torch_backend", "exports"),
)
WITH_TORCH = {"torch_backend", "exports"}


def imports(file: Path) -> Iterator[str]:
    """Yield every module that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def files(package: str) -> list[Path]:
    return sorted((SRC / package).rglob("*.py"))


def layer(module: str) -> int:
    """The layer of a module within holotype."""
    name = module.split(".")[1] if "." in module else ""
    return LAYERS.index(name) if name in LAYERS else 0


@pytest.mark.parametrize("file", files("holotype_codegen"), ids=lambda file: file.name)
def test_the_generator_never_imports_the_runtime(file: Path) -> None:
    assert not [name for name in imports(file) if name.split(".")[0] == "holotype"]


@pytest.mark.parametrize("file", files("holotype"), ids=lambda file: file.stem)
def test_the_runtime_never_imports_the_generator(file: Path) -> None:
    assert not [name for name in imports(file) if name.split(".")[0] == "holotype_codegen"]


@pytest.mark.parametrize("file", files("holotype"), ids=lambda file: file.stem)
def test_imports_point_down(file: Path) -> None:
    module = ".".join(file.relative_to(SRC).with_suffix("").parts)
    if module in ("holotype.__init__", "holotype.__main__"):
        return
    upward = [
        name
        for name in imports(file)
        if name.startswith("holotype.") and layer(name) > layer(module)
    ]
    assert not upward


def room(module: str) -> str:
    """The room of a module within the encoders; empty for what lies in none."""
    parts = module.split(".")
    return parts[2] if parts[1:2] == ["encoders"] and len(parts) > 2 and parts[2] in ROOMS else ""


@pytest.mark.parametrize("file", files("holotype/encoders"), ids=lambda file: file.stem)
def test_rooms_of_the_encoders_import_downwards(file: Path) -> None:
    own = room(".".join(file.relative_to(SRC).with_suffix("").parts))
    if not own:
        return
    used = {found for name in imports(file) if (found := room(name))}
    assert not [other for other in used if ROOMS.index(other) > ROOMS.index(own)]


@pytest.mark.parametrize("file", files("holotype/encoders"), ids=lambda file: file.stem)
def test_torch_is_imported_in_its_own_rooms_only(file: Path) -> None:
    own = room(".".join(file.relative_to(SRC).with_suffix("").parts))
    named = {name.split(".")[0] for name in imports(file)}
    assert own in WITH_TORCH or not named & {"torch", "transformers"}


@pytest.mark.parametrize("file", files("holotype"), ids=lambda file: file.stem)
def test_only_what_both_versions_of_huggingface_hub_export_is_used(file: Path) -> None:
    """Its version 1 asks through httpx and its version 2 through httpx2: `utils.httpx` is either."""
    used = [name.split(".") for name in imports(file)]
    assert not [name for name in used if name[0] in ("httpx", "httpx2", "requests")]
    own = [part for name in used if name[0] == "huggingface_hub" for part in name]
    assert not [part for part in own if part.startswith("_")]


def test_importing_holotype_needs_the_standard_library_only() -> None:
    code = f"import sys, holotype; print([name for name in {HEAVY} if name in sys.modules])"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "[]"


def test_importing_holotype_builds_no_index() -> None:
    code = "import holotype, holotype.models as models; print(list(vars(models.CATALOGUE)))"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "['records']"


def test_the_exported_names_are_exactly_all() -> None:
    public = {
        name
        for name, value in vars(holotype).items()
        if not name.startswith("_") and type(value).__name__ != "module"
    }
    assert public == set(holotype.__all__)


def test_the_version_is_that_of_the_installed_package_and_costs_nothing_before() -> None:
    from importlib.metadata import version

    assert holotype.__version__ == version("holotype")
    code = "import sys, holotype; print('importlib.metadata' in sys.modules)"
    command = [sys.executable, "-S", "-c", code]
    environment = {"PYTHONPATH": str(SRC)}
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    assert done.stdout.strip() == "False"
    with pytest.raises(AttributeError, match="has no attribute '__versoin__'"):
        getattr(holotype, "__versoin__")  # noqa: B009 which type checkers know not to be there


def test_every_exported_name_exists() -> None:
    for module in (holotype, holotype.models):
        missing = [name for name in module.__all__ if not hasattr(module, name)]
        assert not missing


def test_a_type_checker_that_reads_holotype_never_reads_torch() -> None:
    """They follow every import, also those of functions; torch and transformers take 30 s."""
    reached, waiting = set[str](), ["holotype"]
    while waiting:
        module = waiting.pop()
        if module in reached:
            continue
        reached.add(module)
        path = SRC.joinpath(*module.split("."))
        file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
        if file.is_file():
            waiting.extend(imports(file))
    assert "holotype.encoders.dense" in reached
    assert not {"torch", "transformers"} & {name.split(".")[0] for name in reached}
