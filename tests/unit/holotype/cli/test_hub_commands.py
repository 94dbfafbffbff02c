"""`holotype verify`, `add` and `refresh`, against folders and a Hub on this machine."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.unit.holotype.cli.command import run
from tests.unit.holotype.hub import checkpoints, server
from tests.unit.holotype.hub.checkpoints import dense, saved
from tests.unit.holotype.hub.conftest import hub
from tests.unit.holotype.hub.server import NEWER, REVISION, HubState

import holotype.cli.hub_extra
from holotype.catalogue import Catalogue
from holotype.cli import verifying
from holotype.cli.catalogues import open_catalogue
from holotype.cli.showing import describe_reference, find_named
from holotype.cli.sole_writer import sole_writer
from holotype.references import ModelRef

ROOT = Path(__file__).parents[4]
SMALL = ROOT / "tests" / "fixtures" / "small" / "models.json"

__all__ = ["hub"]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A copy of the fixture catalogue."""
    path = tmp_path / "models.json"
    path.write_bytes(SMALL.read_bytes())
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A dense checkpoint."""
    saved(tmp_path / "checkpoint", dense())
    return tmp_path / "checkpoint"


def models(file: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(file.read_text())["models"]
    return found


def added(file: Path, folder: Path, *options: str) -> None:
    answer = run("add", "acme/tiny", "--from", str(folder), "--file", str(file), *options)
    assert answer.exit_code == 0, answer.stderr


def catalogue_of(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str = "made"
) -> str:
    """Generate the module of a catalogue, and return its name."""
    output = tmp_path / f"{name}_models.py"
    command = [sys.executable, "-m", "holotype_codegen", "generate", str(file)]
    subprocess.run([*command, "--output", str(output)], check=True, capture_output=True)
    monkeypatch.syspath_prepend(str(tmp_path))
    return output.stem


@pytest.fixture
def catalogue(
    file: Path, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[str]:
    """The module of a catalogue that `holotype add` gave an entry, pinned to a commit."""
    added(file, folder, "--revision", REVISION)
    yield catalogue_of(file, tmp_path, monkeypatch)
    sys.modules.pop("made_models", None)


def test_an_added_entry_passes_validation_and_leaves_the_rest_as_it_was(
    file: Path, folder: Path
) -> None:
    added(file, folder, "--revision", REVISION)
    before, after = SMALL.read_text().splitlines(), file.read_text().splitlines()
    kept = iter(after)
    lost = [line for line in before if line not in kept]
    assert len(lost) <= 1, "only the comma after the last source is new"
    entry = next(model for model in models(file) if model["id"] == "tiny")
    assert entry["revision"] == REVISION
    assert run("validate", str(file)).exit_code == 0
    assert sorted(path.name for path in file.parent.iterdir()) == ["checkpoint", "models.json"]


@pytest.mark.parametrize(
    ("files", "kind"),
    [
        (checkpoints.bert(), "dense"),
        (checkpoints.colbert_pylate(), "colbert"),
        (checkpoints.colbert_stanford(), "colbert"),
        (checkpoints.colbert_multi_vector(), "colbert"),
        (checkpoints.sparse(), "sparse"),
        (checkpoints.cross_encoder(), "cross-encoder"),
        (checkpoints.classifier(), "classifier"),
        (checkpoints.model2vec(), "dense"),
        (checkpoints.static(), "dense"),
    ],
)
def test_an_entry_of_every_kind_passes_validation(
    file: Path, tmp_path: Path, files: checkpoints.Files, kind: str
) -> None:
    saved(tmp_path / "any", files)
    added(file, tmp_path / "any", "--revision", REVISION)
    entry = next(model for model in models(file) if model["id"] == "tiny")
    assert entry["type"] == kind


def test_a_dry_run_prints_the_entry_and_writes_nothing(file: Path, folder: Path) -> None:
    answer = run(
        "add", "acme/tiny", "--from", str(folder), "--file", str(file), "--dry-run", "--id", "own"
    )
    assert json.loads(answer.stdout)["id"] == "own"
    assert file.read_bytes() == SMALL.read_bytes()


def test_a_dry_run_needs_no_catalogue(tmp_path: Path, folder: Path) -> None:
    nowhere = str(tmp_path / "none.json")
    answer = run("add", "acme/tiny", "--from", str(folder), "--file", nowhere, "--dry-run")
    assert json.loads(answer.stdout)["huggingface_id"] == "acme/tiny"


def test_a_model_is_added_once(file: Path, folder: Path) -> None:
    added(file, folder)
    text = file.read_bytes()
    answer = run("add", "acme/tiny", "--from", str(folder), "--file", str(file))
    assert answer.exit_code == 1
    assert "acme/tiny as tiny, of the kind dense" in answer.stderr
    assert file.read_bytes() == text


def test_an_entry_with_problems_leaves_the_file_as_it_was(file: Path, folder: Path) -> None:
    options = ("--from", str(folder), "--file", str(file), "--revision", "main")
    answer = run("add", "acme/tiny", *options)
    assert answer.exit_code == 1
    assert "is left as it was, since it would have problems" in answer.stderr
    assert str(file) in answer.stderr
    assert "revision" in answer.stderr
    assert file.read_bytes() == SMALL.read_bytes()
    assert not list(file.parent.glob(".models*"))


def test_a_kind_is_understood_or_refused_with_a_suggestion(file: Path, folder: Path) -> None:
    arguments = ("add", "acme/tiny", "--from", str(folder), "--file", str(file), "--dry-run")
    assert '"type": "dense"' in run(*arguments, "--type", "DENSE").stdout
    answer = run(*arguments, "--type", "densee")
    assert answer.exit_code == 2
    assert "type='densee' is unknown; did you mean 'dense'?" in answer.stderr


@pytest.mark.parametrize("name", ["local:folder/model", "model", "acme/", "a/b/c", "hf:acme/tiny"])
def test_what_names_no_repository_is_refused_before_the_hub_is_asked(
    name: str, file: Path, folder: Path
) -> None:
    answer = run("add", name, "--file", str(file))
    assert answer.exit_code == 2
    assert "write org/model" in answer.stderr


def test_a_kind_is_advised_only_where_it_helps(file: Path, tmp_path: Path) -> None:
    def refused(files: dict[str, bytes]) -> str:
        place = tmp_path / f"model-{len(files)}"
        place.mkdir()
        for name, content in files.items():
            (place / name).write_bytes(content)
        answer = run("add", "acme/tiny", "--from", str(place), "--file", str(file), "--dry-run")
        assert answer.exit_code == 1
        return answer.stderr

    assert "name the kind with --type" in refused({"config.json": b"{}"})
    empty = refused({})
    assert "open_clip_config.json" in empty
    timm = {**checkpoints.open_clip()}
    config = json.loads(timm["open_clip_config.json"])
    config["model_cfg"]["vision_cfg"]["timm_model_name"] = "vit_base_patch16_siglip_224"
    timm["open_clip_config.json"] = json.dumps(config).encode()
    found = refused(timm)
    assert "timm_model_name" in found
    assert "--type" not in empty + found


def test_a_catalogue_that_is_missing_is_made(tmp_path: Path, folder: Path) -> None:
    missing = tmp_path / "none.json"
    answer = run("add", "acme/tiny", "--from", str(folder), "--file", str(missing))
    assert answer.exit_code == 0
    assert f"{missing}: a new catalogue with the entry is written" in answer.stderr
    assert run("validate", str(missing)).exit_code == 0


@pytest.mark.parametrize("text", ["my notes\n", '{"other": 1}'])
def test_results_are_kept_in_no_file_that_holds_something_else(tmp_path: Path, text: str) -> None:
    notes = tmp_path / "notes.txt"
    notes.write_text(text)
    answer = run("verify", "tiny-dense-v2", "--resume", str(notes))
    assert answer.exit_code == 1
    assert f"error: {notes}: this file holds something else than results" in answer.stderr
    assert notes.read_text() == text


def test_a_name_without_an_organization_is_refused() -> None:
    answer = run("add", "tiny")
    assert answer.exit_code == 2
    assert "write org/model" in answer.stderr


def test_an_entry_from_the_hub_is_pinned_to_its_newest_commit(hub: HubState, file: Path) -> None:
    answer = run("add", "tests/tiny", "--file", str(file))
    assert answer.exit_code == 0, answer.stderr
    assert answer.stdout == "tiny\tdense\ttests/tiny\n"
    entry = next(model for model in models(file) if model["id"] == "tiny")
    assert entry["revision"] == REVISION


def test_an_added_entry_agrees_with_its_checkpoint(catalogue: str, folder: Path) -> None:
    answer = run("verify", "tiny", "--from", str(folder), catalogue=catalogue)
    assert answer.exit_code == 0
    assert {line[2] for line in answer.lines} <= {"agree"}
    assert ["tiny", "pooling", "agree", "mean", "mean", "1_Pooling/config.json"] in answer.lines


def test_a_difference_is_exit_code_1_and_shows_both_values(catalogue: str, folder: Path) -> None:
    saved(folder, {"1_Pooling/config.json": b'{"pooling_mode": "cls"}'})
    answer = run("verify", "tiny", "--from", str(folder), catalogue=catalogue)
    assert answer.exit_code == 1
    assert ["tiny", "pooling", "differ", "mean", "cls", "1_Pooling/config.json"] in answer.lines


def test_a_person_sees_a_table_and_a_summary(
    catalogue: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verifying, "is_terminal", lambda: True)
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setenv("NO_COLOR", "1")
    saved(folder, {"1_Pooling/config.json": b'{"pooling_mode": "cls"}'})
    answer = run("verify", "tiny", "--from", str(folder), catalogue=catalogue)
    lines = answer.stdout.splitlines()
    assert lines[0] == f"tiny ({folder})"
    assert lines[1].split() == ["field", "outcome", "catalogue", "checkpoint", "file"]
    assert ["pooling", "differ", "mean", "cls", "1_Pooling/config.json"] in map(str.split, lines)
    assert lines[-1].startswith("1 model: ")
    assert ", 1 differ, 0 not said, 0 checkpoint only" in lines[-1]


def test_json_holds_every_finding(catalogue: str, folder: Path) -> None:
    answer = run("verify", "tiny", "--from", str(folder), "--json", catalogue=catalogue)
    (report,) = json.loads(answer.stdout)
    assert report["ok"] is True
    assert {"field", "outcome", "ours", "theirs", "file"} == set(report["findings"][0])


def test_a_checkpoint_that_load_refuses_is_exit_code_1_in_the_words_of_load(
    catalogue: str, folder: Path
) -> None:
    modules = json.loads((folder / "modules.json").read_text())
    modules.append({"idx": 9, "name": "9", "path": "9_Own", "type": "acme.models.Own"})
    saved(folder, {"modules.json": json.dumps(modules).encode()})
    answer = run("verify", "tiny", "--from", str(folder), catalogue=catalogue)
    assert answer.exit_code == 1
    assert "error: tiny: load refuses it: " in answer.stderr
    assert "needs the module 'acme.models.Own'" in answer.stderr


def test_a_fix_writes_the_checkpoints_value_and_its_source(
    catalogue: str, folder: Path, file: Path
) -> None:
    saved(folder, {"1_Pooling/config.json": b'{"pooling_mode": "cls"}'})
    options = ("--from", str(folder), "--fix", "--catalogue-file", str(file))
    answer = run("verify", "tiny", *options, catalogue=catalogue)
    assert answer.exit_code == 0, answer.stderr
    assert (
        "1 value of 1 entry written\ngenerate its module again: holotype generate" in answer.stderr
    )
    entry = next(model for model in models(file) if model["id"] == "tiny")
    assert entry["encoding"]["pooling"] == "cls"


UNKNOWN_POOLING = b'{"pooling_mode": "mean_sqrt_len_tokens"}'


def test_a_value_with_which_there_would_be_problems_is_named_and_not_written(
    catalogue: str, folder: Path, file: Path
) -> None:
    saved(folder, {"1_Pooling/config.json": UNKNOWN_POOLING})
    before = file.read_bytes()
    options = ("--from", str(folder), "--fix", "--catalogue-file", str(file))
    answer = run("verify", "tiny", *options, catalogue=catalogue)
    assert answer.exit_code == 1
    assert "error: tiny: pooling is not written: " in answer.stderr
    assert "mean-sqrt-len" in answer.stderr
    assert "nothing could be fixed" in answer.stderr
    assert file.read_bytes() == before


def test_one_value_that_cannot_be_written_holds_up_no_other(
    catalogue: str, folder: Path, file: Path
) -> None:
    files = dense(max_position_embeddings=72) | {"1_Pooling/config.json": UNKNOWN_POOLING}
    saved(folder, files)
    options = ("--from", str(folder), "--fix", "--catalogue-file", str(file))
    answer = run("verify", "tiny", *options, catalogue=catalogue)
    assert answer.exit_code == 1
    assert "error: tiny: pooling is not written: " in answer.stderr
    assert (
        "2 values of 1 entry written\ngenerate its module again: holotype generate" in answer.stderr
    )
    entry = next(model for model in models(file) if model["id"] == "tiny")
    assert entry["specs"]["max_position_embeddings"] == 72
    assert entry["encoding"]["pooling"] == "mean"
    assert run("validate", str(file)).exit_code == 0
    assert not list(file.parent.glob(".models*"))


def test_a_file_with_problems_of_its_own_is_left_as_it_was(
    catalogue: str, folder: Path, file: Path
) -> None:
    file.write_text(file.read_text().replace('"version"', '"colour": 1, "version"', 1))
    before = file.read_bytes()
    saved(folder, dense(max_position_embeddings=72))
    options = ("--from", str(folder), "--fix", "--catalogue-file", str(file))
    answer = run("verify", "tiny", *options, catalogue=catalogue)
    assert answer.exit_code == 1
    assert "is left as it was, since it would have problems" in answer.stderr
    assert "colour" in answer.stderr
    assert file.read_bytes() == before


def test_nothing_to_fix_is_said(catalogue: str, folder: Path, file: Path) -> None:
    options = ("--from", str(folder), "--fix", "--catalogue-file", str(file))
    answer = run("verify", "tiny", *options, catalogue=catalogue)
    assert answer.exit_code == 0
    assert "nothing to fix" in answer.stderr


def test_a_folder_holds_one_model(folder: Path) -> None:
    answer = run("verify", "--from", str(folder))
    assert answer.exit_code == 2
    assert "give the one ID that the folder holds" in answer.stderr


def test_a_model_that_cannot_be_read_is_exit_code_1(hub: HubState, catalogue: str) -> None:
    hub.fault("/acme/", server.GATED)
    answer = run("verify", "tiny", catalogue=catalogue)
    assert answer.exit_code == 1
    assert "error: tiny: " in answer.stderr
    assert "is gated" in answer.stderr
    assert "--resume" not in answer.stderr, "there is nothing to keep"


def test_where_some_of_many_cannot_be_read_the_command_says_once_how_to_go_on(
    hub: HubState, catalogue: str
) -> None:
    hub.fault("", server.FORBIDDEN)
    answer = run("verify", "tiny", "tiny-dense-v2", catalogue=catalogue)
    assert answer.exit_code == 1
    assert answer.stderr.count("note: 2 of 2 models could not be read; --resume FILE keeps") == 1
    assert answer.stderr.count("error: tiny") == 2


def test_a_run_goes_on_where_it_was_interrupted(
    hub: HubState, catalogue: str, tmp_path: Path
) -> None:
    hub.repositories["acme/tiny"] = {REVISION: dense()}
    options = ("verify", "tiny", "--resume", str(tmp_path / "verified.jsonl"))
    first = run(*options, catalogue=catalogue)
    asked = len(hub.paths("acme/tiny"))
    again = run(*options, catalogue=catalogue)
    assert first.exit_code == again.exit_code == 0
    assert first.stdout == again.stdout
    assert len(hub.paths("acme/tiny")) == asked > 0


def test_refresh_shows_the_newest_commit_and_what_it_changes(hub: HubState, catalogue: str) -> None:
    hub.repositories["acme/tiny"] = {REVISION: dense(), NEWER: dense(max_position_embeddings=80)}
    answer = run("refresh", "tiny", catalogue=catalogue)
    assert answer.exit_code == 0
    assert answer.lines[0][:4] == ["tiny", "revision", REVISION, NEWER]
    assert ["tiny", "max_position_embeddings", "64", "80", "config.json"] in answer.lines
    assert "0 of 1 pinned at the newest commit" in answer.stderr
    found = json.loads(run("refresh", "tiny", "--json", catalogue=catalogue).stdout)
    assert found[0]["newest"] == NEWER


def test_refresh_of_a_repository_that_is_gone_is_exit_code_1(hub: HubState, catalogue: str) -> None:
    answer = run("refresh", "tiny", catalogue=catalogue)
    assert answer.exit_code == 1
    assert "there is no such repository" in answer.stderr


def test_a_hub_that_cannot_be_reached_is_one_error(hub: HubState, catalogue: str) -> None:
    hub.fault("", server.RESET)
    for command in ("verify", "refresh"):
        answer = run(command, "tiny", catalogue=catalogue)
        assert answer.exit_code == 1
        assert answer.stderr.count("error: ") == 1
        assert "cannot be reached" in answer.stderr


def test_without_huggingface_hub_the_command_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(holotype.cli.hub_extra, "find_spec", lambda name: None)
    answer = run("verify")
    assert answer.exit_code == 1
    assert "pip install 'holotype[hub]'" in answer.stderr


def test_the_environment_names_the_hub(hub: HubState, tmp_path: Path) -> None:
    code = "from holotype.cli import main; main()"
    environment = os.environ | {"HF_ENDPOINT": hub.endpoint, "HF_HOME": str(tmp_path)}
    environment |= {"PYTHONPATH": str(ROOT / "src")}
    environment.pop("HF_HUB_OFFLINE", None)
    command = [sys.executable, "-c", code, "add", "tests/tiny", "--dry-run", "--file", "none.json"]

    def answer(**more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            env=environment | more,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )

    online = answer()
    assert online.returncode == 0, online.stderr
    assert json.loads(online.stdout)["revision"] == REVISION
    offline = answer(HF_HUB_OFFLINE="1")
    assert offline.returncode == 1
    assert "since HF_HUB_OFFLINE is set; unset it, or name a folder" in offline.stderr
    assert "Traceback" not in offline.stderr


def test_commands_that_add_at_once_take_turns(file: Path, folder: Path) -> None:
    names = [f"acme/at-once-{number}" for number in range(3)]
    code = "from holotype.cli import main; main()"
    options = ("--from", str(folder), "--file", str(file))
    adding = [
        subprocess.Popen([sys.executable, "-c", code, "add", name, *options]) for name in names
    ]
    assert [process.wait() for process in adding] == [0, 0, 0]
    assert {*names} <= {model["huggingface_id"] for model in models(file)}


def test_a_catalogue_that_another_command_holds_is_waited_for_and_then_left(
    file: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = file.read_bytes()
    with sole_writer(file):
        monkeypatch.setattr("holotype.cli.sole_writer.PATIENCE_S", 0.01)
        answer = run("add", "acme/tiny", "--from", str(folder), "--file", str(file))
    assert answer.exit_code == 1
    assert "another command has been changing it for 0.01 s; try again" in answer.stderr
    assert file.read_bytes() == before


def test_a_pipe_is_no_catalogue_to_change(tmp_path: Path, folder: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    answer = run("add", "acme/tiny", "--from", str(folder), "--file", str(tmp_path / "pipe"))
    assert answer.exit_code == 1
    assert "is not a regular file" in answer.stderr


def facts_of(tmp_path: Path, width: int) -> Path:
    """Write a file with one fact about the fixture catalogue's first model, which is 128 wide."""
    fact = {
        "huggingface_id": models(SMALL)[0]["huggingface_id"],
        "pointer": "/specs/embedding_dim",
        "value": width,
        "source": "hub: config.json @ 0123456",
    }
    (tmp_path / "facts.jsonl").write_text(json.dumps(fact))
    return tmp_path / "facts.jsonl"


def test_facts_take_the_place_of_the_hub(tmp_path: Path) -> None:
    answer = run("verify", "--all", "--from-facts", str(facts_of(tmp_path, 128)))
    assert answer.exit_code == 0, answer.stderr
    line = "tiny-colbert-v1\tembedding_dim\tagree\t128\t128\thub: config.json @ 0123456"
    assert line in answer.stdout.splitlines()


def test_a_fact_that_contradicts_the_entry_is_exit_code_1(tmp_path: Path) -> None:
    answer = run("verify", "tiny-colbert-v1", "--from-facts", str(facts_of(tmp_path, 96)))
    assert answer.exit_code == 1
    assert "\tembedding_dim\tdiffer\t128\t96\t" in answer.stdout


@pytest.mark.parametrize(
    "options",
    [
        ("bge-m3", "--all"),
        ("--from-facts", "x", "--fix"),
        ("bge-m3", "--from-facts", "x", "--from", "y"),
    ],
)
def test_options_that_exclude_each_other_are_refused(options: tuple[str, ...]) -> None:
    answer = run("verify", *options)
    assert answer.exit_code == 2
    assert "leave out" in answer.stderr


def test_facts_that_cannot_be_read_are_one_error(tmp_path: Path) -> None:
    answer = run("verify", "--from-facts", str(tmp_path / "none.jsonl"))
    assert answer.exit_code == 1
    assert "none.jsonl: it cannot be read: No such file or directory\n" in answer.stderr


@pytest.fixture
def private(
    file: Path, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[str]:
    """The module of a catalogue with an entry that was made of a folder, of no commit."""
    answer = run("add", "acme/tiny", "--from", str(folder), "--file", str(file))
    assert "the entry says that the model is not on the Hub" in answer.stderr
    yield catalogue_of(file, tmp_path, monkeypatch, "private")
    sys.modules.pop("private_models", None)


def test_an_entry_of_a_folder_is_compared_with_the_folder_and_never_asked_of_the_hub(
    hub: HubState, private: str, folder: Path
) -> None:
    for command in ("verify", "refresh"):
        answer = run(command, "tiny", catalogue=private)
        assert answer.exit_code == 1
        assert "the entry was made of a folder" in answer.stderr
        assert "refresh tiny" not in answer.stderr
    assert "holotype verify tiny --from FOLDER" in run("verify", "tiny", catalogue=private).stderr
    assert "not on the Hub" in run("artifact", "info", "tiny", catalogue=private).stderr
    made = run("artifact", "create", "tiny", "--to", str(folder / "made"), catalogue=private)
    assert "holotype artifact create local:FOLDER --entry tiny --to PATH" in made.stderr
    assert run("refresh", catalogue=private).lines == run("refresh").lines
    assert not [path for path in hub.paths("") if "/acme/tiny/" in f"{path}/"]
    assert run("verify", "tiny", "--from", str(folder), catalogue=private).exit_code == 0


def test_pages_link_to_the_hub_only_what_is_there(private: str, tmp_path: Path) -> None:
    page = tmp_path / "pages" / "MODELS.md"
    page.parent.mkdir()
    assert run("docs", "-o", str(page), catalogue=private).exit_code == 0
    text = "".join(path.read_text() for path in page.parent.rglob("*.md"))
    assert " acme/tiny · " in text
    assert "https://huggingface.co/acme/tiny)" not in text
    assert "](https://huggingface.co/acme/tiny-dense-v2)" in text


def test_a_fix_of_an_entry_of_a_folder_names_the_folder(
    private: str, folder: Path, file: Path
) -> None:
    saved(folder, {"1_Pooling/config.json": b'{"pooling_mode": "cls"}'})
    options = ("--from", str(folder), "--fix", "--catalogue-file", str(file))
    run("verify", "tiny", *options, catalogue=private)
    entry = next(model for model in models(file) if model["id"] == "tiny")
    assert entry["encoding"]["pooling"] == "cls"
    assert entry["provenance"]["/encoding/pooling"] == "folder: 1_Pooling/config.json"


def test_an_entry_of_a_folder_is_deployed_as_an_artifact_with_its_record(
    private: str, folder: Path, tmp_path: Path
) -> None:
    file, target = tmp_path / "d.yaml", tmp_path / "artifact"
    file.write_text('version: "1.0"\nmodels: {s: {source: "catalogue:tiny"}}\n')
    refused = run("deployment", "validate", str(file), catalogue=private)
    assert refused.exit_code == 1
    assert "holotype artifact create local:FOLDER --entry tiny --to PATH" in refused.stdout
    options = ("--entry", "tiny", "--to", str(target))
    assert run("artifact", "create", f"local:{folder}", *options, catalogue=private).exit_code == 0
    file.write_text(f'version: "1.0"\nmodels: {{s: {{source: "local:{target}"}}}}\n')
    assert run("deployment", "validate", str(file)).exit_code == 0
    assert dict(run("artifact", "info", str(target)).lines)["huggingface_id"] == "acme/tiny"


def test_what_a_folder_says_has_its_files_as_sources(folder: Path) -> None:
    lines = {line[0]: line[2] for line in run("show", f"local:{folder}").lines}
    assert lines["pooling"] == "folder: 1_Pooling/config.json"
    assert lines["parameters"] == "folder: model.safetensors"
    assert lines["id"] == "folder: the name"
    assert lines["huggingface_id"] == lines["revision"] == "-"


def test_a_repository_is_shown_as_the_catalogue_describes_it(hub: HubState) -> None:
    repository = "tests/tiny"
    own: Catalogue[str] = Catalogue((checkpoints.record(id="acme-tiny", query_prompt="find: "),))
    opened = replace(open_catalogue("tests.golden.small_models"), catalogue=own)
    found = find_named(opened, f"hf:{repository}@{REVISION}")
    assert isinstance(found, ModelRef)
    assert describe_reference(found) == own.records[0]
