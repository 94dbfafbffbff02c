"""`holotype deployment`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.golden import small_models as small
from tests.unit.holotype.cli.command import Answer, headings, run
from tests.unit.holotype.deployment.conftest import ssm as ssm
from tests.unit.holotype.deployment.made import FULL, one

from holotype.deployment.reading import read_text
from holotype.deployment.schema import read_schema
from holotype.encoders.opening import open_reference
from holotype.errors import NotLockedError
from holotype.references import ModelRef
from holotype.references.lock_file import LockedModel, LockFile
from holotype.references.manifest import FileEntry


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "d.yaml"
    path.write_text(FULL)
    return path


def deployment(*arguments: str | Path) -> Answer:
    return run("deployment", *map(str, arguments))


def test_the_models_of_a_right_deployment_are_listed(file: Path) -> None:
    answer = deployment("validate", file)
    assert answer.exit_code == 0
    assert answer.lines[1:3] == [
        ["small", "model", "s3://models/toxic-small"],
        ["search", "model", "catalogue:bge-base-en-v1.5"],
    ]
    assert answer.lines[0][:2] == ["toxicity", "2 variants"]
    assert answer.lines[-1] == ["both", "ensemble", "toxicity,small"]
    assert ["rules", "model", "builtin:pii"] in answer.lines
    assert ["text", "model", "registry:text_embedding"] in answer.lines
    assert "10 models, no problems" in answer.stderr
    assert headings("deployment", "validate", str(file)) == ["name", "what", "sources"]
    assert json.loads(deployment("validate", file, "--json").stdout)["problems"] == []


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("local:/nowhere/model", "local:/nowhere/model: there is no such folder"),
        ("local:/nowhere@production", "/nowhere: has no alias 'production'"),
    ],
)
def test_a_folder_that_is_not_here_is_a_warning(tmp_path: Path, source: str, why: str) -> None:
    file = tmp_path / "d.yaml"
    file.write_text(one(f"source: '{source}', allow_moving: true"))
    answer = deployment("validate", file)
    assert answer.exit_code == 0
    assert f"warning: m cannot be loaded on this machine: {why}" in answer.stderr
    assert "1 model, no problems" in answer.stderr
    listed = json.loads(deployment("validate", file, "--json").stdout)
    assert listed["problems"] == []
    (warning,) = listed["warnings"]
    assert warning["model"] == "m"
    assert warning["message"].startswith(why)


def write_lock(file: Path, *references: str) -> Path:
    models = [
        LockedModel(
            reference=ModelRef.parse(each),
            commit=None,
            digest=f"sha256:{'0' * 64}",
            fingerprint=None,
            files=(FileEntry(path="config.json", size=2, sha256="0" * 64),),
        )
        for each in references
    ]
    file.write_text(LockFile(models=tuple(models)).to_json())
    return file


def test_what_the_lock_does_not_name_is_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    file = tmp_path / "d.yaml"
    file.write_text(
        one(f"source: 'local:{folder}'")
        + "  n: {source: 'catalogue:bge-small-en-v1.5'}\n"
        + "  r: {source: 'registry:text_embedding'}\n"
        + "  b: {source: {type: builtin, name: pii}}\n"
    )
    lock = write_lock(tmp_path / "holotype.lock", "catalogue:bge-base-en-v1.5")
    monkeypatch.setenv("HOLOTYPE_LOCK", str(lock))
    answer = deployment("validate", file)
    assert answer.exit_code == 0
    warnings = json.loads(deployment("validate", file, "--json").stdout)["warnings"]
    assert [each["model"] for each in warnings] == ["m", "n", "r"]
    command = "does not name it; add it with: holotype artifact lock catalogue:bge-small-en-v1.5"
    assert command in warnings[1]["message"]
    assert "names no folder" in warnings[2]["message"]
    for warning in warnings:
        assert f"warning: {warning['model']} cannot be loaded on this machine: " in answer.stderr
    # So it is: a load is refused with the same words.
    with pytest.raises(NotLockedError) as refused:
        open_reference(ModelRef.parse("catalogue:bge-small-en-v1.5"))
    assert str(refused.value) == warnings[1]["message"]

    write_lock(lock, f"local:{folder}", "catalogue:bge-small-en-v1.5")
    monkeypatch.setenv("HOLOTYPE_CACHE", str(tmp_path / "cache"))
    (warning,) = json.loads(deployment("validate", file, "--json").stdout)["warnings"]
    assert (warning["model"], "holotype download --lock" in warning["message"]) == ("n", True)

    lock.unlink()
    damaged = json.loads(deployment("validate", file, "--json").stdout)["warnings"]
    assert {each["model"] for each in damaged} == {"m", "n", "r"}
    assert all("cannot be read" in each["message"] for each in damaged)


def test_a_fallback_with_other_vectors_is_a_warning(tmp_path: Path) -> None:
    file = tmp_path / "d.yaml"
    file.write_text(
        one("source: 'catalogue:bge-base-en-v1.5', fallback: [n]")
        + "  n: {source: 'catalogue:bge-small-en-v1.5'}\n"
    )
    answer = deployment("validate", file)
    assert answer.exit_code == 0
    assert "warning: m: its fallback 'n' is BAAI/bge-small-en-v1.5 (dense, 384" in answer.stderr
    (warning,) = json.loads(deployment("validate", file, "--json").stdout)["warnings"]
    assert warning["model"] == "m"
    assert warning["message"].startswith("its fallback 'n' is BAAI/bge-small-en-v1.5 (dense, 384")


def test_problems_are_the_answer_and_the_exit_code_is_1(file: Path) -> None:
    file.write_text(FULL.replace("preload: true", "preload: yes").replace("[small", "[smal"))
    answer = deployment("validate", file)
    assert answer.exit_code == 1
    assert [line[0].split(": ")[0] for line in answer.lines[:2]] == [
        f"{file}:20:16",
        f"{file}:22:14",
    ]
    assert answer.lines[2] == [f"2 problems in {file}"]
    listed = json.loads(deployment("validate", file, "--json").stdout)["problems"]
    assert [each["pointer"] for each in listed] == [
        "/models/toxicity/fallback/0",
        "/models/toxicity/preload",
    ]


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    answer = deployment("validate", tmp_path / "none.yaml")
    assert (answer.exit_code, answer.stdout) == (1, "")
    assert "does not exist" in answer.stderr


def test_a_folder_is_one_deployment(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(one("source: 's3://bucket/a'"))
    (tmp_path / "b.yaml").write_text(one("source: 's3://bucket/b'"))
    answer = deployment("validate", tmp_path)
    assert "already in" in answer.stdout
    (tmp_path / "b.yaml").write_text(one("source: 's3://bucket/b'").replace("m:", "n:"))
    assert [line[0] for line in deployment("validate", tmp_path).lines] == ["m", "n"]


def test_whether_a_file_fits_into_a_parameter_is_told(file: Path) -> None:
    assert "tier Standard" in deployment("validate", file, "--for-ssm").stderr
    file.write_text(FULL + "# padding\n" * 500)
    assert "tier Advanced" in deployment("validate", file, "--for-ssm").stderr
    file.write_text(FULL + "# padding\n" * 1_000)
    answer = deployment("validate", file, "--for-ssm")
    assert answer.exit_code == 1
    assert "split it into several parameters" in answer.stderr


def test_a_parameter_is_checked_and_code_needs_the_operators_word(ssm: Any) -> None:
    text = one("source: {type: custom, factory: 'acme:Encoder'}")
    ssm.put_parameter(Name="/a", Value=text, Type="String")
    refused = deployment("validate", "ssm:/a")
    assert refused.exit_code == 1
    assert refused.stdout.startswith("ssm:/a:3:15: m: /models/m/source: a store asks to run")
    assert deployment("validate", "ssm:/a", "--allow-code").lines == [
        ["m", "model", "custom:acme:Encoder"]
    ]


def test_an_older_file_is_told_with_the_command_that_converts_it(tmp_path: Path) -> None:
    old, new = tmp_path / "old.json", tmp_path / "new.yaml"
    old.write_text(json.dumps({"m": {"type": "bert", "model_path": "./a", "RAM": 0.5}}))
    told = deployment("validate", old)
    assert told.exit_code == 0
    assert f"holotype deployment convert {old}" in told.stderr
    printed = deployment("convert", old)
    assert printed.stdout.startswith('version: "1.0"\n')
    assert deployment("convert", old, "--to", new).stdout == ""
    assert new.read_text() == printed.stdout
    assert read_text(printed.stdout) == read_text(old.read_text())
    assert "older format" not in deployment("validate", new).stderr


def test_nothing_is_converted_that_is_wrong_or_a_folder(file: Path, tmp_path: Path) -> None:
    (tmp_path / "e.yaml").write_text(one("source: 's3://bucket/a'"))
    assert "is a folder" in deployment("convert", tmp_path).stderr
    file.write_text("models: 5")
    answer = deployment("convert", file, "--to", tmp_path / "new.yaml")
    assert answer.exit_code == 1
    assert not (tmp_path / "new.yaml").exists()
    printed = deployment("convert", file)
    assert (printed.exit_code, printed.stdout) == (1, "")
    assert f"{file}:1:1: " in printed.stderr
    file.write_text(FULL)
    unwritten = deployment("convert", file, "--to", tmp_path / "none/new.yaml")
    assert "cannot be written" in unwritten.stderr


def test_a_plan_lists_what_happens(file: Path, tmp_path: Path) -> None:
    new = tmp_path / "new.yaml"
    new.write_text(FULL.replace("s3://models/toxic-small", "s3://models/tiny"))
    answer = deployment("plan", file, new)
    assert answer.lines == [["replace", "small", "load default; unload default"]]
    assert answer.stderr == "1 change\n"
    assert headings("deployment", "plan", str(file), str(new)) == ["what", "model", "details"]
    assert json.loads(deployment("plan", file, new, "--json").stdout) == [
        {"action": "replace", "model": "small", "details": "load default; unload default"}
    ]
    assert deployment("plan", file, file).stdout == ""


def test_a_plan_of_a_wrong_file_shows_its_problems(file: Path, tmp_path: Path) -> None:
    new = tmp_path / "new.yaml"
    new.write_text("models: 5")
    answer = deployment("plan", file, new)
    assert answer.exit_code == 1
    assert answer.stdout.startswith(f"{new}:1:1: ")


def test_the_schema_is_printed() -> None:
    assert deployment("schema").stdout == read_schema()


def test_ids_are_those_of_the_catalogue_that_the_command_names(file: Path) -> None:
    file.write_text('version: "1.0"\nmodels: {a: {source: "catalogue:tiny-dense-v2"}}\n')
    assert deployment("validate", file).lines == [["a", "model", "catalogue:tiny-dense-v2"]]
    assert "catalogue:tiny-dense-v2" in deployment("convert", file).stdout
    assert deployment("plan", file, file).exit_code == 0
    own = run("deployment", "validate", str(file), catalogue="holotype.models")
    assert own.exit_code == 1
    assert "holotype --catalogue MODULE" in own.stdout


def test_a_server_gets_the_catalogue_that_the_command_names(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    got: list[Any] = []
    monkeypatch.setattr("holotype.server.serve", got.append)
    assert run("serve", str(file)).exit_code == 0
    assert run("serve", str(file), catalogue="holotype.models").exit_code == 0
    assert [settings.catalogue for settings in got] == [small.CATALOGUE, None]
