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
    build_data: dict[str, Any] = {"artifacts": []}
    hook(tmp_path, OPTIONS, target="sdist").initialize("standard", build_data)
    assert build_data["artifacts"] == []
    assert not (tmp_path / "src").exists()


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
