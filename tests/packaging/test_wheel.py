"""What is built installs into an empty environment and works there."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable
from email.parser import Parser
from pathlib import Path

from tests.packaging.conftest import PAGE, ROOT, Environment, add_page, build, copy_sources, run

USE = (
    "import holotype, json, sys; from holotype.models import BGE_M3; "
    "found = holotype.select(type=holotype.ModelType.COLBERT, language='English'); "
    "print(json.dumps([BGE_M3.embedding_dim, len(found) > 3, holotype.__file__]))"
)


def used(environment: Environment) -> Path:
    """Use the installed package, and return where it lies."""
    width, several, file = json.loads(environment.run(USE))
    assert (width, several) == (1024, True)
    return Path(file)


def test_the_wheel_works_in_an_empty_environment(installed: Environment) -> None:
    assert used(installed).is_relative_to(installed.folder)


def test_the_wheel_requires_nothing_but_for_its_extras(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [n for n in archive.namelist() if n.endswith(".dist-info/METADATA")]
        metadata = Parser().parsestr(archive.read(name).decode())
    requirements = metadata.get_all("Requires-Dist", [])
    assert requirements
    assert all("extra ==" in requirement for requirement in requirements)
    extras = {
        *("all", "artifacts", "aws", "cli", "codegen", "encoders", "export", "gcs", "hub"),
        *(
            "langchain",
            "llama-index",
            "mteb",
            "onnx",
            "openvino",
            "pool",
            "ray",
            "ray-serve",
            "s3",
            "scipy",
        ),
        *("images", "kernels", "otel", "registry", "server", "static"),
    }
    assert set(metadata.get_all("Provides-Extra", [])) == extras
    assert metadata["License-Expression"] == "Apache-2.0"


def test_the_wheel_holds_both_packages_the_module_and_the_schema(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        schema = archive.read("holotype_codegen/models.schema.json")
    assert {
        "holotype/models.py",
        "holotype/models.pyi",
        "holotype/names.json",
        "holotype/py.typed",
        "holotype_codegen/py.typed",
        "holotype_codegen/templates/declarations.jinja",
        "holotype_codegen/templates/models.py.jinja",
        "holotype_codegen/templates/models.pyi.jinja",
    } <= names
    assert schema == (ROOT / "schema" / "models.schema.json").read_bytes()
    assert {name.split("/")[0].split("-")[0] for name in names} == {"holotype", "holotype_codegen"}


def test_the_sdist_holds_the_catalogue_and_no_generated_module(dist: Path) -> None:
    (sdist,) = dist.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {"models.json", "schema/models.schema.json", "hatch_build.py"} <= names
    assert not {"src/holotype/models.py", "src/holotype/models.pyi"} & names


def test_the_built_page_is_in_the_sdist_and_in_the_wheel_that_is_built_from_it(
    dist: Path, wheel: Path
) -> None:
    (sdist,) = dist.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {f"{PAGE}/index.html", f"{PAGE}/assets/index-1a2b.js"} <= names
    with zipfile.ZipFile(wheel) as built:
        assert built.read("holotype/server/page/index.html") == b"<title>the page</title>"
        assert "holotype/server/page/assets/index-1a2b.js" in built.namelist()


def test_a_wheel_without_a_page_needs_no_node_and_says_that_it_has_none(tmp_path: Path) -> None:
    source = copy_sources(tmp_path / "checkout")
    command = (sys.executable, "-m", "build", "--no-isolation", "--wheel", str(source))
    # A path without programs: nothing can have called node.
    told = run(*command, PATH=str(tmp_path))
    assert "run `make page` first" in told.stdout + told.stderr
    (wheel,) = (source / "dist").glob("*.whl")
    with zipfile.ZipFile(wheel) as built:
        assert not [name for name in built.namelist() if name.startswith("holotype/server/page/")]


def test_the_same_source_gives_the_same_wheel_whatever_the_hash_seed(
    wheel: Path, tmp_path: Path
) -> None:
    source = add_page(copy_sources(tmp_path / "elsewhere"))
    (again,) = build(source, "--wheel", hash_seed="2").glob("*.whl")
    assert (
        hashlib.sha256(again.read_bytes()).digest() == hashlib.sha256(wheel.read_bytes()).digest()
    )


def test_pip_installs_the_source_tree(
    new_environment: Callable[[], Environment], tmp_path: Path
) -> None:
    environment = new_environment()
    environment.install(copy_sources(tmp_path / "source"))
    assert used(environment).is_relative_to(environment.folder)


def test_pip_installs_the_source_tree_as_editable(
    new_environment: Callable[[], Environment], tmp_path: Path
) -> None:
    environment = new_environment()
    source = copy_sources(tmp_path / "source")
    environment.install("--editable", source)
    assert used(environment).is_relative_to(source)


def test_a_wrong_catalogue_stops_the_build_and_writes_nothing(tmp_path: Path) -> None:
    source = copy_sources(tmp_path / "source")
    catalogue = json.loads((source / "models.json").read_text(encoding="utf-8"))
    catalogue["models"][0]["specs"]["embedding_dim"] = 0
    catalogue["models"][1]["id"] = catalogue["models"][2]["id"]
    (source / "models.json").write_text(json.dumps(catalogue, indent=2), encoding="utf-8")
    command = [sys.executable, "-m", "build", "--no-isolation", "--wheel", str(source)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 1
    output = result.stdout + result.stderr
    first, second = catalogue["models"][0]["id"], catalogue["models"][1]["id"]
    assert f"Model {first} has invalid embedding_dim: 0" in output
    assert f"Duplicate model ID found: {second}" in output
    assert "Traceback" not in output
    assert not list((source / "src" / "holotype").glob("models.py*"))
    assert not list((source / "dist").glob("*.whl"))


def test_somebodys_own_catalogue_builds_and_type_checks(
    wheel: Path, new_environment: Callable[[], Environment], tmp_path: Path
) -> None:
    project = tmp_path / "acme-catalogue"
    shutil.copytree(
        ROOT / "examples" / "acme-catalogue",
        project,
        ignore=shutil.ignore_patterns("models.py", "models.pyi", "dist"),
    )
    (acme_wheel,) = build(project, "--wheel").glob("*.whl")
    environment = new_environment()
    environment.install("--no-index", wheel, acme_wheel)
    program = project / "program.py"

    printed = environment.run(program.read_text(encoding="utf-8"))
    assert "acme-search" in printed.splitlines()[0]
    assert printed.splitlines()[1] == "Sizes of Acme Search are 96 192 384"

    wrong = tmp_path / "wrong.py"
    wrong.write_text(
        "from acme_models.models import get_model\n"
        "get_model('acme-serch')\n"
        "get_model('acme-search').embeding_dim\n",
        encoding="utf-8",
    )
    errors = type_check(environment, program, wrong, cache=tmp_path / "cache")
    assert [error.partition(": error")[0] for error in errors] == ["wrong.py:2", "wrong.py:3"]


def type_check(environment: Environment, *programs: Path, cache: Path) -> list[str]:
    """Return the errors that `mypy --strict` finds in programs, seen from an environment."""
    command = [sys.executable, "-m", "mypy", "--strict", "--config-file", ""]
    command += ["--python-executable", environment.python, "--cache-dir", str(cache)]
    command += ["--no-error-summary", *map(str, programs)]
    folder = cache.parent
    result = subprocess.run(command, capture_output=True, text=True, cwd=folder, check=False)
    assert result.returncode in (0, 1), result.stderr
    return [line for line in result.stdout.splitlines() if ": error" in line]
