"""What a server says at its start."""

from __future__ import annotations

from pathlib import Path

import pytest

from holotype.server import ServerSettings, ServerState
from holotype.server.serving import describe


def told(path: Path | None, *, watch: bool = False) -> str:
    state = ServerState.open(
        ServerSettings(deployment=None if path is None else str(path), watch=watch)
    )
    try:
        line = describe(state)
    finally:
        state.close()
    assert "\n" not in line
    return line


def written(folder: Path, n_models: int) -> Path:
    names = "".join(
        f"  m{at:02}: {{source: {{type: builtin, name: pii}}}}\n" for at in range(n_models)
    )
    path = folder / "deployment.yaml"
    path.write_text(f"version: '1.0'\nmodels:\n{names}", encoding="utf-8")
    return path


def test_a_server_without_a_deployment_says_how_to_write_one() -> None:
    line = told(None)
    assert line.startswith("No model is served, since no deployment is named.")
    assert line.endswith("holotype serve deployment.yaml")


def test_the_deployment_that_it_names_is_one(tmp_path: Path) -> None:
    lines = told(None).split('"')[1::2]
    path = tmp_path / "deployment.yaml"
    path.write_text("\n".join(lines).replace("preload: true", "preload: false"), encoding="utf-8")
    assert told(path).startswith("1 model served: search.")


@pytest.mark.parametrize(
    ("n_models", "expected"),
    [
        (1, "1 model served: m00. To add one, edit {}, then call holotype pool reload"),
        (2, "2 models served: m00, m01. To add one, edit {}, then call holotype pool reload"),
    ],
)
def test_models_are_named_and_so_is_the_place_for_more(
    n_models: int, expected: str, tmp_path: Path
) -> None:
    path = written(tmp_path, n_models)
    assert told(path) == expected.format(path)


def test_many_models_are_counted(tmp_path: Path) -> None:
    line = told(written(tmp_path, 13), watch=True)
    assert "13 models served: m00, " in line
    assert ", m09 and 3 more. To add one" in line
    assert line.endswith("which is watched")
