from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.golden import small_models as small
from tests.unit.holotype.cli.command import FIXTURE, run
from tests.unit.holotype.hub.checkpoints import N_PARAMETERS, dense, saved

from holotype.references import FileEntry, ModelRef, read_manifest
from holotype.references.hashing import OnTotal
from holotype.references.lock_file import LockedModel, read_lock


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    saved(tmp_path / "checkpoint", dense())
    return tmp_path / "checkpoint"


@pytest.fixture
def artifact(checkpoint: Path, tmp_path: Path) -> Path:
    answer = run("artifact", "create", f"local:{checkpoint}", "--to", str(tmp_path / "artifact"))
    assert answer.exit_code == 0, answer.stderr
    return tmp_path / "artifact"


def test_creating_prints_the_path_the_digest_and_the_fingerprint(
    checkpoint: Path, tmp_path: Path
) -> None:
    target = tmp_path / "made"
    answer = run("artifact", "create", f"local:{checkpoint}", "--to", str(target))
    manifest = read_manifest(target)
    assert answer.lines == [[str(target), manifest.digest, manifest.fingerprint]]
    assert "8 files" in answer.stderr


def test_what_exists_and_what_is_no_reference_end_with_one(artifact: Path) -> None:
    again = run("artifact", "create", f"local:{artifact}", "--to", str(artifact))
    assert again.exit_code == 1
    assert "is there already, with something in it, and is not overwritten" in again.stderr
    modes = run("artifact", "create", "BAAI/bge-m3", "--to", f"{artifact}-2")
    assert modes.exit_code == 1
    assert "name one by its id: 'bge-m3-colbert', 'bge-m3', 'bge-m3-sparse'" in modes.stderr
    bare = run("artifact", "create", "org/model", "--to", f"{artifact}-2")
    assert bare.exit_code == 1
    assert "write 'hf:org/model' for the repository on the Hub" in bare.stderr
    assert "Traceback" not in again.stderr + modes.stderr + bare.stderr


def test_a_size_that_is_no_number_is_a_usage_error(checkpoint: Path, tmp_path: Path) -> None:
    answer = run(
        *("artifact", "create", f"local:{checkpoint}", "--to", str(tmp_path / "x")),
        *("--max-bytes", "much"),
    )
    assert answer.exit_code == 2
    assert "write 500M" in answer.stderr


def test_a_sound_artifact_is_verified_without_a_word(artifact: Path) -> None:
    for option in ([], ["--quick"]):
        answer = run("artifact", "verify", str(artifact), *option)
        assert (answer.exit_code, answer.stdout) == (0, "")
        assert "0 that differ" in answer.stderr


def test_every_file_that_differs_has_a_line(artifact: Path) -> None:
    body = (artifact / "model.safetensors").read_bytes()
    (artifact / "model.safetensors").write_bytes(body[:-1] + b"x")
    (artifact / "tokenizer.json").unlink()
    (artifact / "ex\ntra.json").write_text("{}")
    answer = run("artifact", "verify", str(artifact))
    assert answer.exit_code == 1
    assert [line.partition(" ")[0] for line in answer.stdout.splitlines()] == [
        "extra:",
        "changed:",
        "missing:",
    ]
    assert run("artifact", "verify", str(artifact), "--quick").stdout.count("\n") == 2
    listed = json.loads(run("artifact", "verify", str(artifact), "--json").stdout)
    assert [each["problem"] for each in listed] == ["extra", "changed", "missing"]


def test_a_folder_that_is_no_artifact_cannot_be_verified(checkpoint: Path) -> None:
    answer = run("artifact", "verify", str(checkpoint))
    assert answer.exit_code == 1
    assert "has no artifact.json" in answer.stderr


def test_info_gives_a_line_for_each_fact(artifact: Path) -> None:
    answer = run("artifact", "info", f"local:{artifact}")
    facts = dict(answer.lines)
    assert facts["availability"] == "local"
    assert facts["artifact"] == "yes"
    assert facts["kind"] == "dense"
    assert facts["embedding_dim"] == "32"
    assert facts["labels"] == facts["commit"] == "-"
    assert facts["license"] == "mit"
    assert facts["fingerprint"] == read_manifest(artifact).fingerprint
    as_json = json.loads(run("artifact", "info", f"local:{artifact}", "--json").stdout)
    assert list(as_json) == list(facts)
    assert as_json["parameters"] == N_PARAMETERS


def test_info_of_what_is_not_there_ends_with_one(tmp_path: Path) -> None:
    answer = run("artifact", "info", f"local:{tmp_path}/nowhere")
    assert answer.exit_code == 1
    assert answer.stdout == ""


def test_every_command_of_the_group_has_help_with_examples() -> None:
    listed = run("artifact", "--help")
    for name in ("create", "verify", "info"):
        assert name in listed.stdout
        assert f"holotype artifact {name}" in run("artifact", name, "--help").stdout


def locked_without_reading(ref: ModelRef, *, on_total: OnTotal) -> LockedModel:
    files = (FileEntry(path="config.json", size=2, sha256="0" * 64),)
    digest = f"sha256:{'0' * 64}"
    return LockedModel(reference=ref, commit=None, digest=digest, fingerprint=None, files=files)


def test_what_others_lock_while_a_model_is_read_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "holotype.lock"

    def lock_and_wait(ref: ModelRef, *, on_total: OnTotal) -> LockedModel:
        monkeypatch.setattr("holotype.publishing.locking.lock_model", locked_without_reading)
        assert run("artifact", "lock", "bge-m3", "--lock", str(file)).exit_code == 0
        return locked_without_reading(ref, on_total=on_total)

    monkeypatch.setattr("holotype.publishing.locking.lock_model", lock_and_wait)
    assert run("artifact", "lock", "tiny-dense-v2", "--lock", str(file)).exit_code == 0
    found = {str(model.reference) for model in read_lock(file).models}
    assert found == {"catalogue:bge-m3", "catalogue:tiny-dense-v2"}


def test_a_lock_shows_how_far_an_artifact_is_read(
    artifact: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[int] = []
    totals: list[int] = []

    @contextmanager
    def counted(what: str, n_bytes: int) -> Iterator[Callable[[int], None]]:
        assert what == f"local:{artifact}"
        totals.append(n_bytes)
        yield read.append

    monkeypatch.setattr("holotype.cli.locking.bytes_progress", counted)
    for _ in range(2):  # the second time, the files are not read again
        answer = run("artifact", "lock", f"local:{artifact}", "--lock", str(tmp_path / "lock"))
        assert answer.exit_code == 0
    size = read_manifest(artifact).size
    assert totals == [size, size]
    assert sum(read) == 2 * size


def test_a_lock_keeps_the_entries_of_the_catalogue_that_the_command_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("holotype.publishing.locking.lock_model", locked_without_reading)
    file = tmp_path / "holotype.lock"
    named = run("artifact", "lock", "tiny-dense-v2", "bge-m3", "--lock", str(file))
    assert named.exit_code == 0, named.stderr
    for catalogue in (FIXTURE, "holotype.models"):
        again = run("artifact", "lock", "--lock", str(file), catalogue=catalogue)
        assert again.exit_code == 0, again.stderr
        found = {str(one.reference): one.reference.record for one in read_lock(file).models}
        assert found == {"catalogue:bge-m3": None, "catalogue:tiny-dense-v2": small.TINY_DENSE_V2}
