from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holotype.models import CATALOGUE
from holotype.records import ModelInfo, Variant
from holotype.references import (
    MANIFEST_FILE,
    ArtifactNotFoundError,
    Manifest,
    ManifestError,
    UnsafePathError,
    parse_manifest,
    read_manifest,
)
from holotype.references.entry import entry_of, record_of

Values = dict[str, Any]


def test_what_is_written_is_read_again(manifest: Manifest, artifact: Path) -> None:
    assert read_manifest(artifact) == manifest
    assert manifest.size == 5025


def test_the_digest_covers_all_but_when_and_by_what_it_was_made(manifest: Manifest) -> None:
    same = replace(manifest, created=datetime(2030, 1, 1, tzinfo=UTC), tool="another")
    assert same.digest == manifest.digest
    changes: tuple[dict[str, Any], ...] = (
        {"commit": None},
        {"labels": ("yes", "no")},
        {"fingerprint": None},
        {"files": manifest.files[:-1]},
        {"record": replace(manifest.record, license="mit")},
    )
    for change in changes:
        changed: Manifest = replace(manifest, **change)
        assert changed.digest != manifest.digest


def test_an_unknown_repository_is_null_and_is_read_as_earlier_versions_wrote_it(
    manifest: Manifest,
) -> None:
    of_folder = replace(manifest, record=replace(manifest.record, huggingface_id=""))
    written = json.loads(of_folder.to_json())
    assert written["entry"]["huggingface_id"] is None
    assert parse_manifest(of_folder.to_json().encode(), "here") == of_folder
    earlier = replace(of_folder, has_empty_id=True)
    text = earlier.to_json()
    assert json.loads(text)["entry"]["huggingface_id"] == ""
    again = parse_manifest(text.encode(), "here")
    assert again == earlier
    assert again.digest == json.loads(text)["digest"] != of_folder.digest


def test_every_entry_of_the_catalogue_survives() -> None:
    for record in CATALOGUE.records:
        again = record_of(json.loads(json.dumps(entry_of(record))), "here")
        assert again == record
        assert type(again) is type(record)


def test_a_record_with_variants_and_an_unknown_kind_survives() -> None:
    record = ModelInfo(
        id="other",
        type="text-to-speech",
        name="Other",
        huggingface_id="a/b",
        organization="a",
        description="",
        embedding_dim=None,
        beir_avg=0.5,
        variants=(Variant(id="other-int8", quantization="int8"),),
    )
    assert record_of(json.loads(json.dumps(entry_of(record))), "here") == record


def attack(name: str) -> Callable[[Values], None]:
    """Return a change that a stranger might make; the digest is made to fit afterwards."""

    def set_path(path: object) -> Callable[[Values], None]:
        return lambda values: values["files"][0].update(path=path)

    def put(key: str, value: object) -> Callable[[Values], None]:
        return lambda values: values.update({key: value})

    def put_in_entry(key: str, value: object) -> Callable[[Values], None]:
        return lambda values: values["entry"].update({key: value})

    return {
        "path up": set_path("../outside"),
        "absolute path": set_path("/etc/passwd"),
        "drive": set_path("C:/boot.ini"),
        "backslash": set_path("..\\outside"),
        "device": set_path("NUL"),
        "stream": set_path("a:b"),
        "own name": set_path("ARTIFACT.json"),
        "no text as path": set_path(7),
        "the same twice": lambda values: values["files"].append(values["files"][0]),
        "another case": lambda values: values["files"].insert(
            0, {**values["files"][1], "path": "CONFIG.JSON"}
        ),
        "a file as a folder": lambda values: values["files"].append(
            {**values["files"][0], "path": "model.safetensors/x"}
        ),
        "out of order": lambda values: values["files"].reverse(),
        "no files": put("files", []),
        "too many files": put("files", [{}] * 20_000),
        "files no list": put("files", {"a": 1}),
        "huge size": lambda values: values["files"][0].update(size=1 << 60),
        "negative size": lambda values: values["files"][0].update(size=-1),
        "true as size": lambda values: values["files"][0].update(size=True),
        "float as size": lambda values: values["files"][0].update(size=23.0),
        "short digest": lambda values: values["files"][0].update(sha256="abc"),
        "more keys of a file": lambda values: values["files"][0].update(mode="0777"),
        "another format": put("format", 2),
        "true as format": put("format", True),
        "more keys": put("run", "rm"),
        "credentials": put("reference", "s3://key:secret@bucket/prefix"),
        "no reference": put("reference", "model"),
        "reference no text": put("reference", ["hf:a/b"]),
        "commit": put("commit", "main"),
        "fingerprint": put("fingerprint", "md5:1"),
        "labels no list": put("labels", "yes"),
        "labels no texts": put("labels", [1]),
        "long label": put("labels", ["x" * 10_000]),
        "time": put("created", "yesterday"),
        "tool": put("tool", "a\nb"),
        "entry no object": put("entry", []),
        "unknown field": put_in_entry("__class__", "os.system"),
        "method as field": put_in_entry("source_of", "x"),
        "no id": lambda values: values["entry"].pop("id"),
        "wrong type": put_in_entry("embedding_dim", "32"),
        "true as number": put_in_entry("embedding_dim", True),
        "not one of the values": put_in_entry("pooling", "exec"),
        "nested": put_in_entry("languages", [["en"]]),
        "pairs": put_in_entry("provenance", [["*"]]),
        "variants": put_in_entry("variants", [{"id": 1}]),
        "unknown key of a variant": put_in_entry("variants", [{"id": "a", "b": "c"}]),
        "long text": put_in_entry("description", "x" * 100_000),
    }[name]


ATTACKS = """
path up|absolute path|drive|backslash|device|stream|own name|no text as path|the same twice
another case|a file as a folder|out of order|no files|too many files|files no list|huge size
negative size|true as size|float as size|short digest|more keys of a file|another format
true as format|more keys|credentials|no reference|reference no text|commit|fingerprint
labels no list|labels no texts|long label|time|tool|entry no object|unknown field|method as field
no id|wrong type|true as number|not one of the values|nested|pairs|variants
unknown key of a variant|long text
"""


@pytest.mark.parametrize("name", ATTACKS.strip().replace("\n", "|").split("|"))
def test_a_manifest_that_is_made_to_do_harm_is_refused(manifest: Manifest, name: str) -> None:
    values = json.loads(manifest.to_json())
    attack(name)(values)
    with pytest.raises(ManifestError) as caught:
        parse_manifest(json.dumps(values).encode(), "artifact.json")
    assert "its digest is not" not in str(caught.value)
    assert len(str(caught.value)) < 600
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("path", ["../outside", "/etc/passwd", "C:/boot.ini", "a\\b"])
def test_a_path_that_leaves_the_artifact_has_an_error_of_its_own(
    manifest: Manifest, path: str
) -> None:
    values = json.loads(manifest.to_json())
    values["files"][0]["path"] = path
    with pytest.raises(UnsafePathError):
        parse_manifest(json.dumps(values).encode(), "artifact.json")


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"null",
        b"[]",
        b"{",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"format": ' + b"9" * 10_000 + b"}",
        b'{"format": NaN}',
        b'{"format": 1, "format": 1}',
        b'{"format": 1}',
        b" " * 17_000_000,
    ],
    ids=["empty", "null", "list", "cut", "bytes", "deep", "long", "nan", "twice", "bare", "large"],
)
def test_what_is_no_manifest_is_refused(text: bytes) -> None:
    with pytest.raises(ManifestError) as caught:
        parse_manifest(text, "artifact.json")
    assert len(str(caught.value)) < 300


def test_a_manifest_that_was_edited_is_refused(manifest: Manifest) -> None:
    text = manifest.to_json().replace('"embedding_dim": 32', '"embedding_dim": 64')
    with pytest.raises(ManifestError, match="its digest is not that of what it says"):
        parse_manifest(text.encode(), "artifact.json")


@given(st.binary(max_size=200))
def test_any_bytes_are_refused_in_one_way(text: bytes) -> None:
    with pytest.raises(ManifestError):
        parse_manifest(text, "artifact.json")


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(ArtifactNotFoundError, match="there is no such folder"):
        read_manifest(tmp_path / "nowhere")
    with pytest.raises(
        ArtifactNotFoundError, match=r"has no artifact\.json; make an artifact with"
    ):
        read_manifest(tmp_path)


def test_a_manifest_that_is_a_link_or_a_pipe_is_not_read(tmp_path: Path, artifact: Path) -> None:
    (tmp_path / "linked").mkdir()
    (tmp_path / "linked" / MANIFEST_FILE).symlink_to(artifact / MANIFEST_FILE)
    with pytest.raises(ManifestError, match="cannot be read"):
        read_manifest(tmp_path / "linked")
    (tmp_path / "piped").mkdir()
    os.mkfifo(tmp_path / "piped" / MANIFEST_FILE)
    with pytest.raises(ManifestError, match="is no regular file"):
        read_manifest(tmp_path / "piped")
