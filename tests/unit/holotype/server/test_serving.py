"""What a server says at its start."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from holotype.errors import ForkedEncoderError
from holotype.server import ServerSettings, ServerState, create_app
from holotype.server.serving import describe


def told(path: Path | None, **settings: Any) -> str:
    deployment = None if path is None else str(path)
    state = ServerState.open(ServerSettings(deployment=deployment, **settings))
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


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"port": 8097}, "reload --url http://127.0.0.1:8097"),
        ({"host": "localhost"}, "reload --url http://localhost:8080"),
        ({"host": "::1", "port": 81}, "reload --url http://[::1]:81"),
        ({"host": "0.0.0.0", "api_keys": ("k",)}, "reload"),
        ({"host": "::", "port": 81, "api_keys": ("k",)}, "reload --url http://127.0.0.1:81"),
        ({"port": 0}, "reload --url with the address that the next lines name"),
    ],
)
def test_the_command_asks_the_server_that_says_it(
    settings: dict[str, Any], expected: str, tmp_path: Path
) -> None:
    line = told(written(tmp_path, 1), **settings)
    assert line.endswith(f"then call holotype pool {expected}")


def test_many_models_are_counted(tmp_path: Path) -> None:
    line = told(written(tmp_path, 13), watch=True)
    assert "13 models served: m00, " in line
    assert ", m09 and 3 more. To add one" in line
    assert line.endswith("which is watched")


def test_a_server_does_not_start_in_a_fork_of_the_process_that_made_it() -> None:
    state = ServerState.open(ServerSettings())
    try:
        with TestClient(create_app(state)):
            pass
        state.process_id += 1
        with pytest.raises(ForkedEncoderError, match="after its pool had been made"):
            TestClient(create_app(state)).__enter__()
    finally:
        state.close()
