"""Who may import whom, and what `import holotype` may cost."""

from __future__ import annotations

import ast
import inspect
import json
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any

import pytest

import holotype
from holotype import errors

SRC = Path(__file__).parents[2] / "src"

# The rooms of holotype, lowest first: a module imports from its own room and from lower ones.
# `name` is that module alone; `name.*` is a package and all that lies in it and has no line of its
# own.
ROOMS: dict[str, tuple[str, ...]] = {
    "errors": ("errors.*", "_dataclass", "naming", "sizes", "atomic_file", "glibc", "_moved"),
    "records": ("records", "run_options", "licences"),
    "criteria": ("criteria", "languages"),
    "catalogue": ("catalogue", "models"),
    "query": ("query",),
    "references": ("references.*",),
    "settings": (
        *("encoders.config", "encoders.memory", "encoders.options", "encoders.arguments"),
        "encoders.kernels",
    ),
    "checkpoints": ("encoders.checkpoints.*",),
    "hub_client": (
        *("hub.client", "hub.answers", "hub.requests", "hub.retries"),
        "encoders.checkpoints.repository",
    ),
    "vectors": (
        *("encoders.vectors.*", "encoders.ragged", "encoders.quantization"),
        *("encoders.sparse_vectors", "encoders.token_pooling"),
    ),
    "kinds": ("encoders.kinds.*",),
    "inputs": ("encoders.inputs.*",),
    "running": ("encoders.running.*",),
    "arrays": ("encoders.arrays.*",),
    "graphs": ("encoders.graphs.*",),
    "torch_backend": ("encoders.torch_backend.*",),
    "encoders": (
        *("encoders", "encoders._load", "encoders._load_modes", "encoders._load_overloads"),
        *("encoders.names", "encoders.copies"),
        *("encoders.artifact", "encoders.opening", "encoders.finding", "encoders.fingerprint"),
        "encoders.completeness",
        "encoders.earlier_fingerprint",
        "encoders.encoder",
        *("encoders.text_methods", "encoders.text_encoder", "encoders.scoring_encoder"),
        "encoders.dense",
        *("encoders.colbert", "encoders.sparse", "encoders.cross_encoder"),
        *("encoders.classifier", "encoders.modes", "encoders.mode_vectors"),
        *("encoders.image_text", "encoders.captioner"),
    ),
    "exports": ("encoders.exports.*",),
    "hub": ("hub.*",),
    "adapters": ("adapters.*",),
    "publishing": ("publishing.*", "artifacts.*", "artifact_errors", "mode_errors", "store_errors"),
    "deployment": ("deployment.*",),
    "pool": ("pool.*",),
    "registry": ("registry.*",),
    "server": ("server.*",),
    "cluster": ("cluster.*",),
    "cli": ("cli.*", "__main__"),
}
WITH_TORCH = {"torch_backend", "exports", "adapters"}
PAGE = Path(__file__).parents[2] / "docs/architecture.md"

HEAVY = {
    *("torch", "transformers", "numpy", "jinja2", "jsonschema", "huggingface_hub", "typer", "rich"),
    *("fsspec", "filelock", "platformdirs", "tenacity", "ruamel", "watchfiles", "boto3"),
    *("sqlalchemy", "alembic", "psycopg", "fastapi", "uvicorn", "orjson"),
    # They bring `inspect`, and with it a quarter of the time.
    *("dataclasses", "inspect"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Module:
    """A module of the source tree, and what it imports.

    Attributes:
        name: its full name, of a package without `__init__`.
        imports: all modules that it imports, wherever in its text.
        at_run_time: those of them that are not for type checkers only.
    """

    name: str
    imports: frozenset[str]
    at_run_time: frozenset[str]


def imported(tree: ast.AST, *, typing: bool) -> Iterator[tuple[str, ...]]:
    """Yield what a text imports, each as the names to try, the longest first."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name,) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.module and not node.level, "a relative import"
            yield from ((f"{node.module}.{alias.name}", node.module) for alias in node.names)
        elif isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            for branch in (node.body if typing else []) + node.orelse:
                yield from imported(ast.Module([branch], []), typing=typing)
        else:
            yield from imported(node, typing=typing)


@cache
def modules() -> dict[str, Module]:
    """Every module of both packages by name; each file is parsed once."""
    trees: dict[str, ast.AST] = {}
    for file in sorted(SRC.rglob("*.py")):
        name = ".".join(file.relative_to(SRC).with_suffix("").parts).removesuffix(".__init__")
        trees[name] = ast.parse(file.read_text(encoding="utf-8"))

    def names(tree: ast.AST, *, typing: bool) -> frozenset[str]:
        """The names of modules: what is imported from one is a module of ours, or in it."""
        found = imported(tree, typing=typing)
        return frozenset(next((n for n in each if n in trees), each[-1]) for each in found)

    return {
        name: Module(
            name=name,
            imports=names(tree, typing=True),
            at_run_time=names(tree, typing=False),
        )
        for name, tree in trees.items()
    }


def package(name: str) -> list[Module]:
    """The modules of a package, but for the one that gathers what users import."""
    return [module for module in modules().values() if module.name.startswith(f"{name}.")]


def room(module: str) -> str | None:
    """The room of a module of holotype; None where the table has none for it, as for `holotype`."""
    name = module.removeprefix("holotype.")
    packages = [f"{name.rsplit('.', n)[0]}.*" for n in range(1, name.count(".") + 1)]
    rows = {row: title for title, listed in ROOMS.items() for row in listed}
    return next((rows[row] for row in (name, f"{name}.*", *packages) if row in rows), None)


def offenders(found: Iterable[tuple[Module, str]]) -> list[str]:
    return sorted(f"{module.name} imports {name}" for module, name in found)


def test_the_generator_never_imports_the_runtime() -> None:
    generator = [*package("holotype_codegen"), modules()["holotype_codegen"]]
    found = ((m, n) for m in generator for n in m.imports if n.split(".")[0] == "holotype")
    assert offenders(found) == []


def test_the_runtime_never_imports_the_generator() -> None:
    runtime = [*package("holotype"), modules()["holotype"]]
    found = ((m, n) for m in runtime for n in m.imports if n.split(".")[0] == "holotype_codegen")
    assert offenders(found) == []


def test_every_module_has_a_room() -> None:
    assert [module.name for module in package("holotype") if room(module.name) is None] == []


def test_every_line_of_the_table_of_rooms_is_a_module_once() -> None:
    rows = [row for listed in ROOMS.values() for row in listed]
    assert sorted(set(rows)) == sorted(rows)
    assert [row for row in rows if f"holotype.{row.removesuffix('.*')}" not in modules()] == []


def test_the_page_on_architecture_names_the_rooms_in_their_order() -> None:
    rows = re.findall(r"^\| `(\w+)` \|", PAGE.read_text(encoding="utf-8"), re.M)
    assert rows == list(reversed(ROOMS))


def test_the_page_on_architecture_names_files_that_there_are() -> None:
    named = set(re.findall(r"`((?:\w+/)*\w+\.py)`", PAGE.read_text(encoding="utf-8")))
    assert named
    places = (SRC / "holotype", SRC / "holotype/encoders", SRC.parent)
    assert [name for name in named if not any((place / name).is_file() for place in places)] == []


def test_imports_point_down() -> None:
    # `holotype` gathers what users import; only the command line, a user itself, may import it.
    height = {title: at for at, title in enumerate(ROOMS)} | {None: len(ROOMS) - 1}
    upward = (
        (module, name)
        for module in package("holotype")
        for name in module.imports
        if name.split(".")[0] == "holotype" and height[room(name)] > height[room(module.name)]
    )
    assert offenders(upward) == []


def test_no_modules_import_each_other_in_a_circle() -> None:
    graph = {module.name: module.at_run_time for module in modules().values()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(reversed(error.args[1])))


def test_torch_is_imported_in_its_own_rooms_only() -> None:
    found = (
        (module, name)
        for module in package("holotype")
        for name in module.imports
        if name.split(".")[0] in {"torch", "transformers"} and room(module.name) not in WITH_TORCH
    )
    assert offenders(found) == []


def test_a_type_checker_that_reads_holotype_never_reads_torch() -> None:
    """They follow every import, also those of functions; torch and transformers take 30 s."""
    reached, waiting = set[str](), ["holotype"]
    while waiting:
        name = waiting.pop()
        if name and name not in reached:
            reached.add(name)
            waiting.append(name.rpartition(".")[0])
            waiting.extend(modules()[name].imports if name in modules() else ())
    assert "holotype.encoders.dense" in reached
    assert not {"torch", "transformers"} & {name.split(".")[0] for name in reached}


@pytest.fixture(scope="module")
def after_import() -> Any:
    """What a fresh process has after `import holotype`."""
    code = (
        "import holotype, json, sys; import holotype.models as models; "
        "print(json.dumps([sorted(sys.modules), sorted(vars(models.CATALOGUE))]))"
    )
    command = [sys.executable, "-c", code]
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def test_importing_holotype_needs_little_of_the_standard_library_and_nothing_else(
    after_import: Any,
) -> None:
    assert HEAVY & set(after_import[0]) == set()


def test_the_catalogue_is_imported_when_something_of_it_is_asked_for() -> None:
    code = (
        "import holotype, sys; before = 'holotype.models' in sys.modules; holotype.get_model; "
        "print(before, 'holotype.models' in sys.modules, holotype.models.BGE_M3.id)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.split() == ["False", "True", "bge-m3"]


def test_importing_the_catalogue_builds_no_index(after_import: Any) -> None:
    assert after_import[1] == ["records"]


def test_the_exported_names_are_exactly_all() -> None:
    public = {
        name
        for name in {*vars(holotype), *dir(holotype)}
        if not name.startswith("_") and not inspect.ismodule(getattr(holotype, name))
    }
    assert public == set(holotype.__all__)
    listed = {name for name in dir(holotype) if not name.startswith("__")}
    assert listed == set(holotype.__all__) - {"__version__"}


def test_every_error_is_where_users_look_for_it() -> None:
    everywhere = {
        name
        for name, value in vars(errors).items()
        if inspect.isclass(value) and issubclass(value, Exception)
    }
    assert len(everywhere) > 40
    assert everywhere <= set(holotype.__all__)


def test_every_exported_name_exists() -> None:
    for module in (holotype, holotype.models):
        missing = [name for name in module.__all__ if not hasattr(module, name)]
        assert not missing


def test_only_what_both_versions_of_huggingface_hub_export_is_used() -> None:
    """Its version 1 asks through httpx and its version 2 through httpx2: `utils.httpx` is either."""
    found = (
        (module, name)
        for module in package("holotype")
        for name in module.imports
        for first, *rest in (name.split("."),)
        if first in ("httpx", "httpx2", "requests")
        or (first == "huggingface_hub" and any(part.startswith("_") for part in rest))
    )
    assert offenders(found) == []


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
