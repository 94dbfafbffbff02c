"""`python -m holotype_codegen`: what each command prints, and its exit code."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.unit.holotype_codegen.catalogues import valid_catalogue

from holotype_codegen.__main__ import main


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with a valid catalogue."""
    (tmp_path / "models.json").write_text(json.dumps(valid_catalogue(), indent=1), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def break_catalogue(folder: Path) -> None:
    catalogue = valid_catalogue()
    catalogue["models"][0]["specs"]["embedding_dim"] = 0
    (folder / "models.json").write_text(json.dumps(catalogue, indent=1), encoding="utf-8")


def test_validate_counts_the_models(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["validate"]) == 0
    assert capsys.readouterr().out == "models.json: 8 models, no problems\n"


def test_validate_prints_every_problem_and_fails(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    break_catalogue(folder)
    assert main(["validate"]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("models.json:")
    assert "Model tiny-dense-v1 has invalid embedding_dim: 0" in captured.err


def test_validate_prints_json_on_request(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["validate", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"problems": []}
    break_catalogue(folder)
    assert main(["validate", "--json"]) == 1
    (problem,) = json.loads(capsys.readouterr().out)["problems"]
    assert problem["pointer"] == "/models/0/specs/embedding_dim"
    assert problem["line"] > 1


def test_generate_writes_the_module(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["generate", "--output", "out/models.py"]) == 0
    assert capsys.readouterr().out == "out/models.py and out/models.pyi: written\n"
    assert {path.name for path in (folder / "out").iterdir()} == {"models.py", "models.pyi"}
    assert main(["generate", "--output", "out/models.py"]) == 0
    assert capsys.readouterr().out == "out/models.py and out/models.pyi: already up to date\n"


@pytest.mark.parametrize(
    ("ignored", "is_told"),
    [
        (None, False),
        ("*.log\n", False),
        ("out/models.py\n", True),
        ("models.py\n__pycache__/\n", True),
        ("out/models.py\nout/models.pyi\n", False),
        ("models.py\n*.pyi\n", False),
    ],
)
def test_generate_tells_of_a_stub_that_git_does_not_ignore_as_it_does_the_module(
    folder: Path, capsys: pytest.CaptureFixture[str], ignored: str | None, is_told: bool
) -> None:
    if ignored is not None:
        (folder / ".gitignore").write_text(ignored, encoding="utf-8")
    for _ in range(2):
        assert main(["generate", "--output", "out/models.py"]) == 0
        said = capsys.readouterr().err
        assert ("add out/models.pyi" in said) is is_told
        assert bool(said) is is_told


def test_generate_prints_the_module_and_writes_nothing(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["generate", "--stdout"]) == 0
    assert "TINY_DENSE_V1: Final" in capsys.readouterr().out
    assert [path.name for path in folder.iterdir()] == ["models.json"]


@pytest.mark.parametrize(("name", "other"), [("models.py", ".pyi"), ("models.pyi", ".py ")])
def test_generate_checks_whether_the_module_or_its_stub_is_stale(
    folder: Path, capsys: pytest.CaptureFixture[str], name: str, other: str
) -> None:
    command = ["generate", "--output", "models.py", "--check"]
    assert main(command) == 1
    said = capsys.readouterr().err
    assert "models.py is stale" in said
    assert "models.pyi is stale" in said
    assert main(command[:-1]) == 0
    assert main(command) == 0
    file = folder / name
    file.write_text(file.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    assert main(command) == 1
    said = capsys.readouterr().err
    assert f"{name} is stale" in said
    assert other not in said


def test_generate_needs_to_know_where_to_write(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["generate"]) == 2
    assert "--output FILE, or --stdout" in capsys.readouterr().err


def test_generate_with_problems_fails_and_writes_nothing(folder: Path) -> None:
    break_catalogue(folder)
    assert main(["generate", "--output", "models.py"]) == 1
    assert not (folder / "models.py").exists()


def test_explain_shows_names_values_and_sources(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["explain", "tiny-colbert-v1"]) == 0
    page = capsys.readouterr().out
    for text in (
        "constant  TINY_COLBERT_V1",
        "record    ColbertModel[Literal[64, 128]]",
        "id type   ColbertModelId",
        "[lab: table 1]",
    ):
        assert text in page


def test_explain_suggests_the_nearest_id(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "tiny-colbert-v2"]) == 1
    assert "did you mean 'tiny-colbert-v1'" in capsys.readouterr().err
