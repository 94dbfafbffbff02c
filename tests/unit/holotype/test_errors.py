"""Errors carry their values, and survive a process boundary."""

from __future__ import annotations

import pickle

import pytest

from holotype import errors
from holotype.errors import (
    Advice,
    AliasNotFoundError,
    AmbiguousModelError,
    AmbiguousNameError,
    ArtifactDamagedError,
    ArtifactError,
    ArtifactExistsError,
    ArtifactNotFoundError,
    CatalogueFileError,
    CatalogueMismatchError,
    CheckpointError,
    CheckpointNotFoundError,
    ClosedEncoderError,
    CredentialsInReferenceError,
    CriterionError,
    CriterionTypeError,
    DeviceMemoryError,
    DifferentVectorsError,
    ExportError,
    FileDifference,
    ForkedEncoderError,
    HolotypeError,
    HubUnreachableError,
    ImageError,
    IncompatibleModesError,
    InstructionError,
    InvalidArgumentError,
    InvalidDimensionError,
    InvalidLengthError,
    InvalidReferenceError,
    LocatedError,
    LockFileError,
    LockMismatchError,
    ManifestError,
    MissingExtraError,
    ModelNotFoundError,
    ModeNotLoadedError,
    NotFiniteError,
    NotLockedError,
    ObjectStoreError,
    RevisionGoneError,
    StoreBusyError,
    TensorError,
    TextOverflowError,
    TokenizationError,
    UnsafeCheckpointError,
    UnsafePathError,
    UnsupportedCheckpointError,
    UnsupportedInputError,
    UnsupportedModelError,
    WrongKindError,
)

TWO_TOO_LONG = TextOverflowError("tiny", 2, 30, 512, 7)
ONE_TOO_LONG = TextOverflowError("tiny", 1, 1, 512, 0)
ERRORS: list[HolotypeError] = [
    HolotypeError("what went wrong"),
    InvalidArgumentError("dim is 0; expected 1 or more"),
    MissingExtraError("encoders", "torch", "load()"),
    LocatedError("/folder", "is damaged"),
    ModelNotFoundError("tiy", ["tiny"], what="alias", instead="write tiny"),
    CriterionError("language", "gremlin", "is no language"),
    CriterionTypeError("language", 3, "is no text"),
    AmbiguousModelError("acme/tiny", ["tiny", "tiny-2"]),
    AmbiguousNameError("tiny", "/models/tiny", ["catalogue:tiny", "local:tiny"]),
    CatalogueFileError("models.json", "is no JSON"),
    UnsupportedModelError("tiny", "no encoder"),
    UnsupportedInputError("tiny", "it reads texts alone"),
    InvalidDimensionError("tiny", 3, [1, 2]),
    InvalidDimensionError("tiny", 3, [8], sizes_known=False),
    InvalidLengthError(2, "text: the special tokens", 3),
    InstructionError("tiny", "{instruction}", None),
    InstructionError("tiny", "query: ", "sort"),
    TWO_TOO_LONG,
    ONE_TOO_LONG,
    ClosedEncoderError("tiny"),
    ForkedEncoderError("tiny"),
    NotFiniteError("tiny", 3, "float16"),
    DeviceMemoryError("cuda:0", 2**20, 2**30),
    TokenizationError("/folder/tokenizer.json", "too deep", 3),
    ImageError("is no picture", 2, "/folder/cat.png"),
    CheckpointError("/folder", "broken"),
    CheckpointNotFoundError("/folder", "missing"),
    RevisionGoneError("acme/tiny", "has no such commit"),
    HubUnreachableError("acme/tiny", "does not answer"),
    WrongKindError("/folder", "dense"),
    UnsafeCheckpointError("/folder", "pickle"),
    UnsupportedCheckpointError("/folder", "module"),
    TensorError("/folder", ["a"], ["b"], ["c ([1], expected [2])"]),
    CatalogueMismatchError("tiny", "/folder", [("pooling", "cls", "mean", "config.json")]),
    ExportError("tiny", "its graph differs"),
    IncompatibleModesError(("tiny", "other"), "revisions", ("a", "b")),
    ModeNotLoadedError("sparse", ["dense", "colbert"]),
    InvalidReferenceError("hf:", "names no repository", ["hf:acme/tiny"]),
    CredentialsInReferenceError("s3://...@bucket", "has a password"),
    ArtifactError("/artifact", "is damaged"),
    ArtifactNotFoundError("/artifact", "is not there"),
    ArtifactExistsError("/artifact", "is there"),
    ManifestError("/artifact/artifact.json", "is no JSON"),
    UnsafePathError("/artifact", "../etc", "leaves the folder"),
    ArtifactDamagedError("/artifact", [FileDifference(path="config.json", problem="changed")]),
    AliasNotFoundError("/store", "has no alias 'production'"),
    StoreBusyError("/store", "is being changed"),
    DifferentVectorsError("/store", None, "sha256:0"),
    ObjectStoreError("s3://bucket", "denies access"),
    LockFileError("models.lock", "is no TOML"),
    NotLockedError("models.lock", "does not name tiny"),
    LockMismatchError("tiny", ["revision: a, not b"]),
    *(
        kind("here", "is wrong", Advice("set-limit", "do this", "limit"))
        for kind in (LocatedError, UnsupportedModelError, ExportError)
    ),
    InvalidArgumentError("dim is 0", Advice("set-limit", "do this")),
]


def test_every_error_is_among_those_that_are_pickled_here() -> None:
    found = {value for value in vars(errors).values() if isinstance(value, type)}
    expected = {kind for kind in found if issubclass(kind, HolotypeError)}
    assert {type(error) for error in ERRORS} == expected


def test_a_pickle_that_0_1_0_made_is_read() -> None:
    made = b"cholotype.errors\n_rebuild_not_found\n(Vtiy\n(Vtiny\ntVid\nV\ntR."
    assert str(pickle.loads(made)) == "no model has the id 'tiy'; did you mean 'tiny'?"
    located = b"cholotype.errors\nCheckpointError\n(V/folder\nVis broken\ntR."
    assert str(pickle.loads(located)) == "/folder: is broken"


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_an_error_is_the_same_after_pickling(error: HolotypeError) -> None:
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error)
    assert str(again) == str(error)
    assert vars(again) == vars(error)


def test_numbers_are_told_in_the_singular_and_the_plural() -> None:
    assert str(TWO_TOO_LONG) == (
        "2 texts exceed the 512 tokens that 'tiny' reads by 30 tokens in all, the first at index "
        '7; shorten or split the texts, or pass on_overflow="truncate"'
    )
    assert "1 text exceeds the 512 tokens that 'tiny' reads by 1 token in all" in str(ONE_TOO_LONG)


def test_a_long_list_of_tensors_is_cut() -> None:
    error = TensorError("/folder", [f"t{at}" for at in range(20)])
    assert "20 missing: t0, t1, t2, t3, t4, t5, t6, t7 and 12 more" in str(error)
    assert len(error.missing) == 20


@pytest.mark.parametrize("n_characters", [1_000, 4_000, 10**7])
def test_a_message_with_a_long_value_says_what_is_wrong_and_what_to_do(n_characters: int) -> None:
    value = "a" * n_characters
    error = CheckpointError("config.json", f"'dtype' is {value!r}; expected a type. Fetch it again")
    assert str(error).startswith("config.json: 'dtype' is 'aaa")
    assert str(error).endswith("'; expected a type. Fetch it again")
    assert (value in str(error)) is (n_characters < 3_000)
    assert len(str(error)) < 3_100
    assert value in error.problem


@pytest.mark.parametrize("sign", ["\x1b", "\r", "\b", "\x9b", "\u202e"])
def test_a_message_moves_no_cursor(sign: str) -> None:
    name = f"layer{sign}[2J.weight"
    for error in (
        CheckpointError(f"/models/{sign}", "is damaged"),
        TensorError("here", missing=[name], misshapen=[name]),
        CatalogueMismatchError("id", "here", [("layers", sign, sign, f"config{sign}.json")]),
    ):
        assert sign not in str(error)
        assert f"\\u{ord(sign):04x}" in str(error)


def test_an_advice_stands_apart_from_the_message_and_is_told_in_other_words() -> None:
    advice = Advice("set-limit", "pass limit=9", "limit", after=", or less")
    error = LocatedError("/folder", "is too large", advice)
    assert str(error) == "/folder: is too large; pass limit=9, or less"
    assert error.told(lambda given: f"say --{given.subject} 9") == (
        "/folder: is too large; say --limit 9, or less"
    )
    assert error.told(lambda given: None) == str(error)
    assert (error.without_advice, error.advice) == ("/folder: is too large", advice)


def test_an_error_without_an_advice_is_told_as_it_is() -> None:
    for error in (LocatedError("/folder", "is damaged"), HolotypeError("what went wrong")):
        assert error.told(lambda given: "other words") == error.without_advice == str(error)
