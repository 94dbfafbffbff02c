"""The build hook: what it reads of its options, and what it tells hatchling."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hatchling.plugin.manager import PluginManager
from tests.unit.holotype_codegen.catalogues import valid_catalogue

from holotype_codegen.hook import CatalogueBuildHook

OPTIONS = {"source": "models.json", "output": "src/acme/models.py"}


def hook(root: Path, options: dict[str, Any], target: str = "wheel") -> CatalogueBuildHook:
    (root / "models.json").write_text(json.dumps(valid_catalogue()), encoding="utf-8")
    unused: Any = None
    return CatalogueBuildHook(str(root), options, unused, unused, "", target)


@pytest.mark.parametrize("version", ["standard", "editable"])
def test_the_module_is_written_and_added_to_the_wheel(tmp_path: Path, version: str) -> None:
    build_data: dict[str, Any] = {"artifacts": []}
    hook(tmp_path, OPTIONS).initialize(version, build_data)
    assert build_data["artifacts"] == ["/src/acme/models.py"]
    assert (tmp_path / "src/acme/models.py").is_file()


def test_other_targets_are_left_alone(tmp_path: Path) -> None:
    build_data: dict[str, Any] = {"artifacts": [], "force_include": {}}
    hook(tmp_path, OPTIONS, target="binary").initialize("standard", build_data)
    assert build_data == {"artifacts": [], "force_include": {}}
    assert not (tmp_path / "src").exists()


@pytest.mark.parametrize("source", ["models.json", "./models.json", "src/../models.json"])
def test_a_source_distribution_gets_the_catalogue(tmp_path: Path, source: str) -> None:
    build_data: dict[str, Any] = {"artifacts": [], "force_include": {}}
    hook(tmp_path, {**OPTIONS, "source": source}, target="sdist").initialize("standard", build_data)
    assert build_data["force_include"] == {str(tmp_path / "models.json"): "models.json"}
    assert not (tmp_path / "src").exists()


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("../models.json", "lies outside of the project"),
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
        made.initialize("standard", {"artifacts": [], "force_include": {}})


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
    build_data: dict[str, Any] = {"artifacts": []}
    options = {**OPTIONS, "output": output.format(root=tmp_path)}
    hook(tmp_path, options).initialize("standard", build_data)
    assert build_data["artifacts"] == ["/src/acme/models.py"]
    assert (tmp_path / "src/acme/models.py").is_file()


def test_a_path_that_git_would_read_as_a_pattern_is_escaped(tmp_path: Path) -> None:
    build_data: dict[str, Any] = {"artifacts": []}
    hook(tmp_path, {**OPTIONS, "output": "src/a[b]/models.py"}).initialize("standard", build_data)
    assert build_data["artifacts"] == ["/src/a\\[b\\]/models.py"]


@pytest.mark.parametrize("output", ["../models.py", "{outside}/models.py", "link/models.py"])
def test_nothing_is_written_outside_of_the_project(tmp_path: Path, output: str) -> None:
    project, outside = tmp_path / "project", tmp_path / "outside"
    project.mkdir()
    outside.mkdir()
    (project / "link").symlink_to(outside)
    made = hook(project, {**OPTIONS, "output": output.format(outside=outside)})
    with pytest.raises(SystemExit, match="lies outside of the project"):
        made.initialize("standard", {"artifacts": []})
    assert not list(outside.iterdir())
    assert {path.name for path in tmp_path.iterdir()} == {"project", "outside"}


def test_a_file_that_somebody_wrote_stops_the_build(tmp_path: Path) -> None:
    (tmp_path / "src/acme").mkdir(parents=True)
    (tmp_path / "src/acme/models.py").write_text("MINE = 1\n")
    with pytest.raises(SystemExit, match="was not generated, so that it is not overwritten"):
        hook(tmp_path, OPTIONS).initialize("standard", {"artifacts": []})
    assert (tmp_path / "src/acme/models.py").read_text() == "MINE = 1\n"


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
        hook(tmp_path, options).initialize("standard", {"artifacts": []})


def test_a_catalogue_with_problems_stops_the_build(tmp_path: Path) -> None:
    made = hook(tmp_path, OPTIONS)
    (tmp_path / "models.json").write_text("{}", encoding="utf-8")
    with pytest.raises(SystemExit, match="required field"):
        made.initialize("standard", {"artifacts": []})
    assert not (tmp_path / "src").exists()


def test_hatchling_finds_the_hook_by_name() -> None:
    manager = PluginManager()
    assert manager.build_hook.get("holotype") is CatalogueBuildHook
