"""The build hook: what it reads of its options, and what it tells hatchling."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hatchling.builders.wheel import WheelBuilder
from hatchling.plugin.manager import PluginManager
from tests.unit.holotype_codegen.catalogues import valid_catalogue

from holotype_codegen.hook import CatalogueBuildHook

OPTIONS = {"source": "models.json", "output": "src/acme/models.py"}


def hook(
    root: Path,
    options: dict[str, Any],
    target: str = "wheel",
    packages: tuple[str, ...] = ("src/acme",),
    **wheel: Any,
) -> CatalogueBuildHook:
    """Return the hook of a project with a catalogue, as hatchling makes it."""
    (root / "models.json").write_text(json.dumps(valid_catalogue()), encoding="utf-8")
    targets = {"wheel": {**({"packages": list(packages)} if packages else {}), **wheel}}
    project = {"name": "thing", "version": "1", "dynamic": []}
    config = {"project": project, "tool": {"hatch": {"build": {"targets": targets}}}}
    builder = WheelBuilder(str(root), config=config)
    unused: Any = None
    return CatalogueBuildHook(str(root), options, builder.config, unused, "", target)


def package(root: Path, folder: str = "src/acme") -> None:
    (root / folder).mkdir(parents=True)
    (root / folder / "__init__.py").touch()


def data() -> dict[str, Any]:
    return {"artifacts": [], "force_include": {}}


@pytest.mark.parametrize("version", ["standard", "editable"])
def test_the_module_is_written_and_added_to_the_wheel(tmp_path: Path, version: str) -> None:
    build_data = data()
    package(tmp_path)
    hook(tmp_path, OPTIONS).initialize(version, build_data)
    assert build_data["artifacts"] == ["/src/acme/models.py", "/src/acme/models.pyi"]
    assert (tmp_path / "src/acme/models.py").is_file()
    assert (tmp_path / "src/acme/models.pyi").is_file()


def test_other_targets_are_left_alone(tmp_path: Path) -> None:
    build_data = data()
    hook(tmp_path, OPTIONS, target="binary").initialize("standard", build_data)
    assert build_data == data()
    assert not (tmp_path / "src").exists()


@pytest.mark.parametrize("source", ["models.json", "./models.json", "src/../models.json"])
def test_a_source_distribution_gets_the_catalogue(tmp_path: Path, source: str) -> None:
    build_data = data()
    hook(tmp_path, {**OPTIONS, "source": source}, target="sdist").initialize("standard", build_data)
    assert build_data["force_include"] == {str(tmp_path / "models.json"): "models.json"}
    assert not (tmp_path / "src").exists()


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("../models.json", "lies outside the project"),
        ("other.json", "there is no catalogue other.json"),
    ],
)
def test_a_source_distribution_without_its_catalogue_is_not_made(
    tmp_path: Path, source: str, words: str
) -> None:
    project = tmp_path / "project"
    project.mkdir()
    made = hook(project, {**OPTIONS, "source": source}, target="sdist")
    (tmp_path / "models.json").write_text(json.dumps(valid_catalogue()), encoding="utf-8")
    with pytest.raises(SystemExit, match=words):
        made.initialize("standard", data())


@pytest.mark.parametrize(
    "output",
    [
        "./src/acme/models.py",
        "src/../src/acme/models.py",
        "src//acme/models.py",
        "none/../src/acme/models.py",
        "{root}/src/acme/models.py",
    ],
)
def test_a_module_is_added_to_the_wheel_however_its_path_is_spelt(
    tmp_path: Path, output: str
) -> None:
    build_data = data()
    package(tmp_path)
    options = {**OPTIONS, "output": output.format(root=tmp_path)}
    hook(tmp_path, options).initialize("standard", build_data)
    assert build_data["artifacts"] == ["/src/acme/models.py", "/src/acme/models.pyi"]
    assert (tmp_path / "src/acme/models.py").is_file()
    assert (tmp_path / "src/acme/models.pyi").is_file()


def test_a_path_that_git_would_read_as_a_pattern_is_escaped(tmp_path: Path) -> None:
    build_data = data()
    package(tmp_path, "a[b]/acme")
    options = {**OPTIONS, "output": "a[b]/acme/models.py"}
    hook(tmp_path, options, packages=("a[b]/acme",)).initialize("standard", build_data)
    assert build_data["artifacts"] == [
        "/a\\[b\\]/acme/models.py",
        "/a\\[b\\]/acme/models.pyi",
    ]


@pytest.mark.parametrize("output", ["../models.py", "{outside}/models.py", "link/models.py"])
def test_nothing_is_written_outside_of_the_project(tmp_path: Path, output: str) -> None:
    project, outside = tmp_path / "project", tmp_path / "outside"
    project.mkdir()
    outside.mkdir()
    (project / "link").symlink_to(outside)
    made = hook(project, {**OPTIONS, "output": output.format(outside=outside)})
    with pytest.raises(SystemExit, match="lies outside the project"):
        made.initialize("standard", data())
    assert not list(outside.iterdir())
    assert {path.name for path in tmp_path.iterdir()} == {"project", "outside"}


@pytest.mark.parametrize("name", ["models.py", "models.pyi"])
def test_a_file_that_somebody_wrote_stops_the_build(tmp_path: Path, name: str) -> None:
    package(tmp_path)
    (tmp_path / "src/acme" / name).write_text("MINE = 1\n")
    with pytest.raises(SystemExit, match="was not generated, so it is not overwritten"):
        hook(tmp_path, OPTIONS).initialize("standard", data())
    assert (tmp_path / "src/acme" / name).read_text() == "MINE = 1\n"


@pytest.mark.parametrize("output", [".", "src/acme", "src/acme/models.pyi"])
def test_an_output_that_is_not_named_like_a_module_stops_the_build(
    tmp_path: Path, output: str
) -> None:
    package(tmp_path)
    with pytest.raises(SystemExit, match=r"does not end in \.py"):
        hook(tmp_path, {**OPTIONS, "output": output}).initialize("standard", data())
    assert [path.name for path in (tmp_path / "src/acme").iterdir()] == ["__init__.py"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"output": "x.py"}, "option 'source' of the build hook 'holotype' is None"),
        ({**OPTIONS, "source": 3}, "option 'source' .* is 3; it must be of type str"),
        ({**OPTIONS, "line-length": "88"}, "option 'line-length' .* must be of type int"),
        ({**OPTIONS, "line-length": True}, "option 'line-length' .* is True"),
    ],
)
def test_a_wrong_option_is_named(tmp_path: Path, options: dict[str, Any], words: str) -> None:
    with pytest.raises(TypeError, match=words):
        hook(tmp_path, options).initialize("standard", data())


@pytest.mark.parametrize("name", ["source", "output"])
def test_a_path_with_characters_that_no_path_has_is_named(tmp_path: Path, name: str) -> None:
    options = {**OPTIONS, name: "models\0.py"}
    with pytest.raises(ValueError, match=rf"option '{name}' .* is 'models\\x00\.py'; no path has"):
        hook(tmp_path, options).initialize("standard", data())


def test_a_catalogue_with_problems_stops_the_build(tmp_path: Path) -> None:
    made = hook(tmp_path, OPTIONS)
    package(tmp_path)
    (tmp_path / "models.json").write_text("{}", encoding="utf-8")
    with pytest.raises(SystemExit, match="required field"):
        made.initialize("standard", data())
    assert not (tmp_path / "src/acme/models.py").exists()


IN_ACME = "without 'sources': packages = \\[\"src/acme\"\\]"


@pytest.mark.parametrize(
    ("output", "wheel", "words"),
    [
        # the wheel holds `src`, which is no package
        ("src/acme/models.py", {"packages": ()}, f"site-packages/src/acme/models.py.*{IN_ACME}"),
        ("src/acme/models.py", {"packages": ("src",), "sources": []}, IN_ACME),
        (
            "src/acme/models.py",
            {"packages": (), "only-include": ["src"]},
            "`import acme.models` does not find it",
        ),
        ("src/acme/models.py", {"packages": (), "include": ["src/**"]}, IN_ACME),
        # it holds other files
        (
            "src/acme/models.py",
            {"packages": ("src/other",)},
            f"leave src/acme/models.py out; .*{IN_ACME}",
        ),
        ("flat/models.py", {"packages": ()}, r'leave flat/__init__.py out; .*\["flat"\]'),
        # the package is taken away
        ("src/acme/models.py", {"sources": {"src/acme": ""}}, "out of the package acme"),
        # the wrong folder
        (
            "src/acne/models.py",
            {"packages": ("src",)},
            "src/acne is not a package.*touch src/acne/",
        ),
        (
            "src/my-acme/models.py",
            {"packages": ("src/my-acme",)},
            "rename it, for example to 'my_acme'",
        ),
        ("src/acme/all-models.py", {}, "'all-models' is not a name .* 'all_models'"),
        ("src/acme/class.py", {}, "'class' is not a name that Python can import.* 'class_'"),
    ],
)
@pytest.mark.parametrize("version", ["standard", "editable"])
def test_a_module_that_nobody_could_import_stops_the_build(
    tmp_path: Path, version: str, output: str, wheel: dict[str, Any], words: str
) -> None:
    for folder in ("src/acme", "src/other", "src/my-acme", "flat"):
        package(tmp_path, folder)
    made = hook(tmp_path, {**OPTIONS, "output": output}, **wheel)
    with pytest.raises(SystemExit, match=words):
        made.initialize(version, data())
    assert not list(tmp_path.rglob("models.py"))


@pytest.mark.parametrize(
    ("output", "wheel"),
    [
        ("src/acme/models.py", {}),
        ("src/acme/models.py", {"packages": ("src",), "sources": ["src"]}),
        ("src/acme/models.py", {"packages": (), "only-include": ["src"], "sources": ["src"]}),
        (
            "src/acme/models.py",
            {"packages": (), "sources": {"src/acme": "renamed"}, "only-include": ["src/acme"]},
        ),
        ("src/acme/data/models.py", {}),
        ("src/company/acme/models.py", {"packages": ("src/company",)}),
        ("flat/models.py", {"packages": ("flat",)}),
        ("acme_models.py", {"packages": (), "only-include": ["acme_models.py"]}),
    ],
)
def test_a_module_that_can_be_imported_is_written(
    tmp_path: Path, output: str, wheel: dict[str, Any]
) -> None:
    for folder in ("src/acme", "src/acme/data", "src/company/acme", "flat"):
        package(tmp_path, folder)
    hook(tmp_path, {**OPTIONS, "output": output}, **wheel).initialize("standard", data())
    assert (tmp_path / output).is_file()


def test_hatchling_finds_the_hook_by_name() -> None:
    manager = PluginManager()
    assert manager.build_hook.get("holotype") is CatalogueBuildHook
