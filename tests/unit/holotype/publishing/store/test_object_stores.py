"""Artifacts sent to object stores and fetched: whole, checked, never overwritten, without secrets."""

from __future__ import annotations

import logging
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.unit.holotype.publishing.store.made import FILES, make_artifact
from tests.unit.holotype.publishing.store.object_stores import s3_server

from holotype.errors import (
    ArtifactDamagedError,
    ArtifactError,
    ArtifactExistsError,
    ArtifactNotFoundError,
    CredentialsInReferenceError,
    ManifestError,
    MissingExtraError,
    ObjectStoreError,
    UnsafePathError,
)
from holotype.publishing.pushing import push_artifact
from holotype.references import MANIFEST_FILE, ModelRef, check_contents, read_manifest
from holotype.references.folders import find_folder
from holotype.references.object_store import ObjectFolder
from holotype.references.pulling import pull_artifact

BLOCK = 1 << 16


@pytest.fixture
def artifact(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An artifact of more than two requests, with an empty file."""
    monkeypatch.setattr("holotype.references.pulling._BLOCK_BYTES", BLOCK)
    monkeypatch.setattr("holotype.publishing.pushing._BLOCK_BYTES", BLOCK)
    weights = bytes(range(256)) * (2 * BLOCK // 256) + b"end"
    make_artifact(tmp_path / "made", {**FILES, "empty.txt": b""}, weights=weights)
    return tmp_path / "made"


@pytest.fixture
def small(tmp_path: Path) -> Path:
    make_artifact(tmp_path / "small")
    return tmp_path / "small"


def test_what_was_pushed_is_pulled_byte_for_byte(artifact: Path, url: str, tmp_path: Path) -> None:
    ref = ModelRef.parse(url)
    pushed = push_artifact(artifact, ref)
    pulled = pull_artifact(ref, tmp_path / "pulled" / "model")
    assert pulled == pushed == read_manifest(tmp_path / "pulled" / "model")
    assert check_contents(tmp_path / "pulled" / "model", pulled) == ()
    assert [path.name for path in (tmp_path / "pulled").iterdir()] == ["model"]


def test_progress_is_told_of_every_byte(artifact: Path, url: str, tmp_path: Path) -> None:
    totals, passed = list[int](), list[int]()

    def on_total(n_bytes: int) -> Callable[[int], None]:
        totals.append(n_bytes)
        return passed.append

    ref = ModelRef.parse(url)
    push_artifact(artifact, ref, on_total=on_total)
    pull_artifact(ref, tmp_path / "pulled", on_total=on_total)
    size = read_manifest(artifact).size
    assert totals == [size, size]
    assert sum(passed) == 2 * size


def test_pushing_the_same_again_changes_nothing(small: Path, url: str) -> None:
    ref = ModelRef.parse(url)
    assert push_artifact(small, ref) == push_artifact(small, ref)


def test_another_artifact_is_never_overwritten(small: Path, url: str, tmp_path: Path) -> None:
    ref = ModelRef.parse(url)
    manifest = push_artifact(small, ref)
    make_artifact(tmp_path / "other", weights=b"other")
    with pytest.raises(ArtifactExistsError, match="is of another artifact"):
        push_artifact(tmp_path / "other", ref)
    assert ObjectFolder(ref).manifest() == manifest


def test_objects_of_somebody_else_are_never_overwritten(small: Path, url: str) -> None:
    objects = ObjectFolder(ModelRef.parse(url))
    objects.create("model.safetensors", b"precious")
    with pytest.raises(ArtifactExistsError, match="has other contents"):
        push_artifact(small, ModelRef.parse(url))
    assert objects.read("model.safetensors", 0, 100) == b"precious"
    assert MANIFEST_FILE not in objects.sizes()


def test_a_prefix_with_something_else_in_it_is_refused(small: Path, url: str) -> None:
    ObjectFolder(ModelRef.parse(url)).create("notes.txt", b"precious")
    with pytest.raises(ArtifactExistsError, match=r"notes\.txt: is not of this artifact"):
        push_artifact(small, ModelRef.parse(url))


def test_an_object_that_is_there_is_not_made_again(url: str) -> None:
    objects = ObjectFolder(ModelRef.parse(url))
    assert objects.create("a", b"first")
    assert not objects.create("a", b"second")
    assert objects.read("a", 0, 100) == b"first"


def test_half_a_push_is_no_artifact_and_is_finished_by_the_next(
    small: Path, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ref = ModelRef.parse(url)
    create_from = ObjectFolder.create_from

    def interrupted(self: ObjectFolder, path: str, file: Path) -> bool:
        if path == "config.json":
            raise KeyboardInterrupt
        return create_from(self, path, file)

    with monkeypatch.context() as patch:
        patch.setattr(ObjectFolder, "create_from", interrupted)
        with pytest.raises(KeyboardInterrupt):
            push_artifact(small, ref)
    with pytest.raises(ArtifactNotFoundError, match="interrupted has no manifest"):
        pull_artifact(ref, tmp_path / "pulled")
    push_artifact(small, ref)
    pull_artifact(ref, tmp_path / "pulled")


def test_an_artifact_that_is_damaged_is_not_pushed(small: Path, url: str) -> None:
    (small / "model.safetensors").write_bytes(b"WEIGHTS")
    with pytest.raises(ArtifactDamagedError):
        push_artifact(small, ModelRef.parse(url))
    assert ObjectFolder(ModelRef.parse(url)).sizes() == {}


def test_an_object_that_was_changed_is_not_taken(small: Path, url: str, tmp_path: Path) -> None:
    manifest = read_manifest(small)
    objects = ObjectFolder(ModelRef.parse(url))
    changed = FILES["model.safetensors"][:-1] + b"x"
    for path, content in {**FILES, "model.safetensors": changed}.items():
        objects.create(path, content)
    objects.create(MANIFEST_FILE, manifest.to_json().encode())
    with pytest.raises(ObjectStoreError, match=r"model\.safetensors: [\d,]+ bytes with the sha256"):
        pull_artifact(ModelRef.parse(url), tmp_path / "pulled")
    assert not (tmp_path / "pulled").exists()


def test_an_object_that_is_too_short_is_not_taken(small: Path, url: str, tmp_path: Path) -> None:
    objects = ObjectFolder(ModelRef.parse(url))
    for path, content in {**FILES, "model.safetensors": b"w"}.items():
        objects.create(path, content)
    objects.create(MANIFEST_FILE, read_manifest(small).to_json().encode())
    with pytest.raises(ObjectStoreError):
        pull_artifact(ModelRef.parse(url), tmp_path / "pulled")


def test_a_pull_goes_on_where_it_was_interrupted(
    artifact: Path, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ref = ModelRef.parse(url)
    push_artifact(artifact, ref)
    read, asked = ObjectFolder.read, list[int]()

    def interrupted(self: ObjectFolder, path: str, start: int, end: int) -> bytes:
        if path == "model.safetensors":
            asked.append(start)
            if start >= BLOCK and asked.count(start) == 1:
                raise KeyboardInterrupt
        return read(self, path, start, end)

    monkeypatch.setattr(ObjectFolder, "read", interrupted)
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            pull_artifact(ref, tmp_path / "pulled")
        assert not (tmp_path / "pulled").exists()
    pull_artifact(ref, tmp_path / "pulled")
    assert asked == [0, BLOCK, BLOCK, 2 * BLOCK, 2 * BLOCK]


def test_what_is_left_of_another_pull_is_fetched_anew(
    small: Path, url: str, tmp_path: Path
) -> None:
    push_artifact(small, ModelRef.parse(url))
    left = tmp_path / ".pulled.partial"
    left.mkdir()
    (left / "model.safetensors").write_bytes(b"other")
    (left / "stranger.bin").write_bytes(b"x")
    pull_artifact(ModelRef.parse(url), tmp_path / "pulled")
    weights = FILES["model.safetensors"]
    assert (tmp_path / "pulled" / "model.safetensors").read_bytes() == weights
    assert not (tmp_path / "pulled" / "stranger.bin").exists()


def test_nothing_is_written_through_a_link_that_was_left(
    small: Path, url: str, tmp_path: Path
) -> None:
    push_artifact(small, ModelRef.parse(url))
    victim = tmp_path / "victim"
    victim.write_bytes(b"precious")
    left = tmp_path / ".pulled.partial"
    left.mkdir()
    (left / "model.safetensors").symlink_to(victim)
    with pytest.raises(ArtifactError):
        pull_artifact(ModelRef.parse(url), tmp_path / "pulled")
    assert victim.read_bytes() == b"precious"


def test_a_folder_is_never_overwritten_by_a_pull(small: Path, url: str) -> None:
    with pytest.raises(ArtifactExistsError):
        pull_artifact(ModelRef.parse(url), small)


def test_an_artifact_that_is_too_large_is_not_fetched(
    small: Path, url: str, tmp_path: Path
) -> None:
    push_artifact(small, ModelRef.parse(url))
    with pytest.raises(ArtifactError, match="more than the 10 that may be fetched"):
        pull_artifact(ModelRef.parse(url), tmp_path / "pulled", max_bytes=10)


def test_a_manifest_that_is_too_large_is_not_read(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("manifest", "object_store"):
        monkeypatch.setattr(f"holotype.references.{module}.LARGEST_MANIFEST_BYTES", 1000)
    objects = ObjectFolder(ModelRef.parse(url))
    objects.create(MANIFEST_FILE, b" " * 1100)
    with pytest.raises(ManifestError, match="is larger than"):
        pull_artifact(ModelRef.parse(url), tmp_path / "pulled")


@pytest.mark.parametrize("path", ["../escaped", "/etc/passwd", "C:\\x", "a/../../b", "con"])
def test_the_manifest_of_a_stranger_never_leads_out_of_the_folder(
    small: Path, url: str, tmp_path: Path, path: str
) -> None:
    text = read_manifest(small).to_json().replace("model.safetensors", path.replace("\\", "\\\\"))
    ObjectFolder(ModelRef.parse(url)).create(MANIFEST_FILE, text.encode())
    with pytest.raises(UnsafePathError):
        pull_artifact(ModelRef.parse(url), tmp_path / "pulled")


def test_a_reference_to_an_object_store_is_fetched_once_into_the_cache(
    small: Path, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOLOTYPE_CACHE", str(tmp_path / "cache"))
    push_artifact(small, ModelRef.parse(url))
    folder = find_folder(ModelRef.parse(url))
    assert folder.is_relative_to(tmp_path / "cache")
    marked = (folder / "model.safetensors").stat().st_ino
    assert find_folder(ModelRef.parse(url)) == folder
    assert (folder / "model.safetensors").stat().st_ino == marked


def test_an_artifact_that_is_not_there_is_named(url: str, tmp_path: Path) -> None:
    with pytest.raises(ArtifactNotFoundError, match=f"^{url}/artifact.json: there is no such"):
        pull_artifact(ModelRef.parse(url), tmp_path / "pulled")


@pytest.mark.parametrize(
    "text",
    [
        "s3://AKIAIOSFODNN7EXAMPLE:secretkey@models/model-v1",
        "s3://models/model-v1?X-Amz-Signature=abcdef",
        "gs://user:password@models/model-v1",
    ],
)
def test_credentials_in_a_url_are_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(CredentialsInReferenceError) as caught:
        ModelRef.parse(text)
    for secret in ("secretkey", "abcdef", "password", "AKIAIOSFODNN7EXAMPLE"):
        assert secret not in str(caught.value)


def test_no_credential_gets_into_a_manifest_a_log_or_an_error(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    secret = "correct-horse-battery-staple"
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", secret)
    monkeypatch.setenv("AWS_SESSION_TOKEN", f"token-{secret}")
    # Nothing listens there, and the client repeats the address in its error.
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://user:{secret}@127.0.0.1:9")
    monkeypatch.setattr("s3fs.S3FileSystem.retries", 1)
    with caplog.at_level(logging.INFO), pytest.raises(ObjectStoreError) as caught:
        push_artifact(small, ModelRef.parse("s3://models/model-v1"))
    assert secret not in str(caught.value)
    assert "AKIAIOSFODNN7EXAMPLE" not in str(caught.value)
    assert secret not in caplog.text
    assert secret not in (small / MANIFEST_FILE).read_text()


PULLER = """
import signal, sys
from pathlib import Path
from holotype.references import ModelRef
from holotype.references import pulling
pulling._BLOCK_BYTES = 1 << 16
read = pulling.ObjectFolder.read
def paused(self, path, start, end):
    if start > 0:
        print("in the middle", flush=True)
        signal.pause()
    return read(self, path, start, end)
pulling.ObjectFolder.read = paused
pulling.pull_artifact(ModelRef.parse(sys.argv[1]), Path(sys.argv[2]))
"""


def test_a_pull_that_is_killed_leaves_nothing_and_is_finished_by_the_next(
    artifact: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with s3_server(monkeypatch) as url:
        ref = ModelRef.parse(url)
        push_artifact(artifact, ref)
        target = tmp_path / "pulled"
        puller = subprocess.Popen(
            [sys.executable, "-c", PULLER, url, str(target)], stdout=subprocess.PIPE, text=True
        )
        assert puller.stdout is not None
        assert puller.stdout.readline() == "in the middle\n"
        with pytest.raises(ArtifactError, match="another process"):
            pull_artifact(ref, target)
        puller.kill()
        puller.communicate()
        assert not target.exists()
        manifest = pull_artifact(ref, target)
    assert check_contents(target, manifest) == ()


@pytest.mark.parametrize(
    ("url", "package", "extra"),
    [("s3://bucket/model", "s3fs", "s3"), ("gs://bucket/model", "gcsfs", "gcs")],
)
def test_a_missing_extra_is_named(
    url: str, package: str, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingExtraError, match=rf"pip install 'holotype\[{extra}\]'"):
        ObjectFolder(ModelRef.parse(url))
