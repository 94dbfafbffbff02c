"""Errors of the loader: they carry their values, and survive a process boundary."""

from __future__ import annotations

import pickle

import pytest

from holotype.errors import (
    CatalogueMismatchError,
    CheckpointError,
    CheckpointNotFoundError,
    ClosedEncoderError,
    HolotypeError,
    IncompatibleModesError,
    InstructionError,
    InvalidDimensionError,
    ModeNotLoadedError,
    TensorError,
    TextOverflowError,
    TokenizationError,
    UnsafeCheckpointError,
    UnsupportedCheckpointError,
    UnsupportedModelError,
    WrongKindError,
)

ERRORS = [
    UnsupportedModelError("tiny", "no encoder"),
    InvalidDimensionError("tiny", 3, [1, 2]),
    InstructionError("tiny", "{instruction}", None),
    InstructionError("tiny", "query: ", "sort"),
    TextOverflowError("tiny", 2, 30, 512, 7),
    TextOverflowError("tiny", 1, 1, 512, 0),
    ClosedEncoderError("tiny"),
    TokenizationError("/folder/tokenizer.json", "too deep", 3),
    CheckpointError("/folder", "broken"),
    CheckpointNotFoundError("/folder", "missing"),
    WrongKindError("/folder", "dense"),
    UnsafeCheckpointError("/folder", "pickle"),
    UnsupportedCheckpointError("/folder", "module"),
    TensorError("/folder", ["a"], ["b"], ["c ([1], expected [2])"]),
    IncompatibleModesError(("tiny", "other"), "revisions", ("a", "b")),
    ModeNotLoadedError("sparse", ["dense", "colbert"]),
    CatalogueMismatchError("tiny", "/folder", [("pooling", "cls", "mean", "config.json")]),
]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_an_error_is_the_same_after_pickling(error: HolotypeError) -> None:
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error)
    assert str(again) == str(error)
    assert vars(again) == vars(error)


def test_numbers_are_told_in_the_singular_and_the_plural() -> None:
    assert str(ERRORS[4]) == (
        "2 texts exceed the 512 tokens that 'tiny' reads by 30 tokens in all, the first at index "
        '7; shorten or split the texts, or pass on_overflow="truncate"'
    )
    assert "1 text exceeds the 512 tokens that 'tiny' reads by 1 token in all" in str(ERRORS[5])


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
