from __future__ import annotations

import pickle
import sys
from dataclasses import FrozenInstanceError
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from holotype.references import (
    CredentialsInReferenceError,
    InvalidReferenceError,
    ModelRef,
)

COMMIT = "0123456789abcdef0123456789abcdef01234567"

VALID = {
    "local:artifacts/model-v1": ModelRef(scheme="local", location="artifacts/model-v1"),
    "local:/srv/model": ModelRef(scheme="local", location="/srv/model"),
    "local:C:\\models\\one": ModelRef(scheme="local", location="C:\\models\\one"),
    "local:artifacts@production": ModelRef(
        scheme="local", location="artifacts", alias="production"
    ),
    "hf:org/model": ModelRef(scheme="hf", location="org/model"),
    "hf:org/model@v1.0.0": ModelRef(scheme="hf", location="org/model", revision="v1.0.0"),
    "hf:org/model@refs/pr/3": ModelRef(scheme="hf", location="org/model", revision="refs/pr/3"),
    f"hf:org/model@{COMMIT}": ModelRef(scheme="hf", location="org/model", revision=COMMIT),
    "s3://bucket/prefix": ModelRef(scheme="s3", location="bucket/prefix"),
    "gs://a_bucket/deep/prefix": ModelRef(scheme="gs", location="a_bucket/deep/prefix"),
    "memory://prefix": ModelRef(scheme="memory", location="prefix"),
    "catalogue:bge-base-en-v1.5": ModelRef(scheme="catalogue", location="bge-base-en-v1.5"),
}


@pytest.mark.parametrize("text", VALID)
def test_every_form_is_parsed_and_written_again(text: str) -> None:
    assert ModelRef.parse(text) == VALID[text]
    assert str(VALID[text]) == text


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("local:./a//b/./c/", "local:a/b/c"),
        ("local:/", "local:/"),
        ("local:.", "local:."),
        ("local:./", "local:."),
        ("local:./store@next", "local:store@next"),
        ("local:name@v1/", "local:name@v1/"),
        ("local:./~", "local:./~"),
        ("s3://bucket/prefix/", "s3://bucket/prefix"),
        (f"hf:org/model@{COMMIT.upper()}", f"hf:org/model@{COMMIT}"),
    ],
)
def test_a_reference_has_one_canonical_spelling(text: str, canonical: str) -> None:
    ref = ModelRef.parse(text)
    assert str(ref) == canonical
    assert ModelRef.parse(canonical) == ref


def test_a_folder_with_an_at_sign_is_told_from_an_alias_by_its_slash() -> None:
    assert ModelRef.parse("local:name@v1/") == ModelRef(scheme="local", location="name@v1")
    assert ModelRef.parse("local:name@v1").alias == "v1"
    assert ModelRef.parse("local:a@b/model").alias is None


def test_the_path_of_a_local_reference_starts_at_home_only_where_it_says_so() -> None:
    assert ModelRef.parse("local:~/models").path == Path.home() / "models"
    assert ModelRef.parse("local:./~").path == Path("~")
    with pytest.raises(ValueError, match="no folder on this machine"):
        _ = ModelRef.parse("hf:org/model").path


def test_a_commit_is_told_from_a_branch() -> None:
    assert ModelRef.parse(f"hf:org/model@{COMMIT}").is_commit
    assert not ModelRef.parse("hf:org/model@main").is_commit
    assert not ModelRef.parse("hf:org/model").is_commit


@pytest.mark.parametrize(
    ("text", "suggestion"),
    [
        ("org/model", "hf:org/model"),
        ("org/model@v1", "hf:org/model@v1"),
        ("./models/one", "local:./models/one"),
        ("/srv/models/one", "local:/srv/models/one"),
        ("~/models/one", "local:~/models/one"),
        ("C:\\models\\one", "local:C:\\models\\one"),
        ("some/deep/path", "local:some/deep/path"),
        ("bge-m3", "catalogue:bge-m3"),
        ("BGE-M3", "catalogue:bge-m3"),
        ("catalogue:BGE-M3", "catalogue:bge-m3"),
        ("HF:org/model", "hf:org/model"),
        ("huggingface:org/model", "hf:org/model"),
        ("gcs://bucket/prefix", "gs://bucket/prefix"),
        ("S3://Bucket/prefix", "s3://bucket/prefix"),
        ("file:///srv/model", "local:/srv/model"),
        ("local:///srv/model", "local:/srv/model"),
        ("https://huggingface.co/org/model", "hf:org/model"),
        ("https://huggingface.co/org/model/tree/v2", "hf:org/model@v2"),
        ("hf:org/model ", "hf:org/model"),
    ],
)
def test_what_is_almost_a_reference_gets_the_right_spelling_told(
    text: str, suggestion: str
) -> None:
    with pytest.raises(InvalidReferenceError) as caught:
        ModelRef.parse(text)
    assert caught.value.suggestions[0] == suggestion
    assert f"did you mean {suggestion!r}" in str(caught.value)


@pytest.mark.parametrize("text", ["file:///srv/Model", "folder:/srv/Model"])
def test_a_folder_keeps_its_letters(text: str) -> None:
    with pytest.raises(InvalidReferenceError) as caught:
        ModelRef.parse(text)
    assert caught.value.suggestions == ("local:/srv/Model",)


@pytest.mark.parametrize(
    "text",
    [
        "",
        ":",
        "local:",
        "local:@alias",
        "local:store@not an alias",
        "local:store@",
        "local:host://path",
        "hf:model",
        "hf:a/b/c",
        "hf:org/model@",
        "hf:org/../model",
        "hf:org/model@a..b",
        "hf:org/model@-rf",
        "hf:org/model.git",
        "hf:org/mo--del",
        "hf:-org/model",
        "s3:bucket/prefix",
        "s3://bucket",
        "s3://bucket/",
        "s3://bucket//prefix",
        "s3://bucket/../other",
        "s3://bucket/a@b",
        "gs://B/prefix",
        "memory://",
        "catalogue:",
        "catalogue:bge-m3@v1",
        "ftp://host/path",
        "local:with\0nul",
        "local:with\u202ehidden",
        "local:" + "x" * 2000,
    ],
)
def test_what_is_no_reference_is_refused_with_the_grammar(text: str) -> None:
    with pytest.raises(InvalidReferenceError) as caught:
        ModelRef.parse(text)
    assert "hf:ORG/MODEL[@REVISION]" in str(caught.value)
    assert "catalogue:ID" in str(caught.value)
    assert len(str(caught.value)) < 3000


SECRET = "hf_" + "aBcD" * 8


@pytest.mark.parametrize(
    "text",
    [
        f"s3://KEY:{SECRET}@bucket/prefix",
        f"gs://{SECRET}@bucket/prefix",
        f"https://user:{SECRET}@huggingface.co/org/model",
        f"hf:org/model@{SECRET}",
        f"hf:{SECRET}@org/model",
        f"s3://bucket/prefix?X-Amz-Signature={SECRET}",
        f"local:artifacts/{SECRET}",
    ],
)
def test_credentials_are_refused_and_never_repeated(text: str) -> None:
    with pytest.raises(CredentialsInReferenceError) as caught:
        ModelRef.parse(text)
    shown = str(caught.value) + repr(caught.value) + repr(caught.value.args)
    assert SECRET not in shown
    assert caught.value.__cause__ is None
    assert "credential" in str(caught.value)


def test_what_is_no_text_is_no_reference() -> None:
    number: Any = 7
    with pytest.raises(TypeError, match="a reference is a string, not int"):
        ModelRef.parse(number)


def test_a_reference_is_frozen_hashable_and_can_be_pickled() -> None:
    ref = ModelRef.parse("hf:org/model@v1")
    with pytest.raises(FrozenInstanceError):
        ref.location = "other"  # type: ignore[misc]  # what the test is about
    assert {ref: 1}[ModelRef.parse("hf:org/model@v1")] == 1
    assert pickle.loads(pickle.dumps(ref)) == ref


def test_an_error_can_be_pickled() -> None:
    with pytest.raises(InvalidReferenceError) as caught:
        ModelRef.parse("org/model")
    again = pickle.loads(pickle.dumps(caught.value))
    assert str(again) == str(caught.value)
    assert again.suggestions == caught.value.suggestions


def test_the_environment_names_a_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODEL", "local:artifacts@production")
    assert ModelRef.from_environment("MODEL").alias == "production"
    monkeypatch.delenv("MODEL")
    with pytest.raises(InvalidReferenceError, match="the environment variable MODEL is not set"):
        ModelRef.from_environment("MODEL")


REFERENCES = st.one_of(
    st.text(max_size=40),
    st.sampled_from(["local:", "hf:", "s3://", "gs://", "memory://", "catalogue:"]).flatmap(
        lambda start: st.text(alphabet=st.sampled_from("ab/.@~-_:\\% 0é?&="), max_size=24).map(
            start.__add__
        )
    ),
)


@given(REFERENCES)
@example("local: /")
def test_any_text_is_refused_or_has_a_canonical_spelling(text: str) -> None:
    try:
        ref = ModelRef.parse(text)
    except InvalidReferenceError as error:
        for suggestion in error.suggestions:
            ModelRef.parse(suggestion)
        return
    assert ModelRef.parse(str(ref)) == ref
    assert str(ModelRef.parse(str(ref))) == str(ref)


def test_bytes_that_the_locale_cannot_read_are_told_with_the_locale() -> None:
    # What Python makes of "ü" on a command line where the encoding is ASCII.
    with pytest.raises(InvalidReferenceError, match=r"LC_ALL=C\.UTF-8") as caught:
        ModelRef.parse("local:store/\udcc3\udcbc v3")
    assert f"the encoding of this process, {sys.getfilesystemencoding()}" in str(caught.value)
