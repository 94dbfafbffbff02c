"""Arguments are checked before anything happens, and other libraries' options are answered."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import pytest
from sentence_transformers import CrossEncoder, SentenceTransformer, SparseEncoder

from holotype.encoders.arguments import (
    ENCODE_EQUIVALENTS,
    LOAD_EQUIVALENTS,
    as_count,
    as_flag,
    refuse_unknown,
)
from holotype.encoders.config import ModelConfig, configure
from holotype.encoders.options import settings_of
from holotype.errors import HolotypeError, InvalidArgumentError
from holotype.models import ALL_MINILM_L6_V2


def options_of(function: Any) -> set[str]:
    return set(inspect.signature(function).parameters) - {"self", "inputs", "pairs", "kwargs"}


@pytest.mark.parametrize(
    "encode", [SentenceTransformer.encode, SparseEncoder.encode, CrossEncoder.predict]
)
def test_every_option_of_their_encode_is_taken_or_answered(encode: Any) -> None:
    assert options_of(encode) - set(ENCODE_EQUIVALENTS) == {"batch_size"}


@pytest.mark.parametrize("constructor", [SentenceTransformer, SparseEncoder, CrossEncoder])
def test_every_option_of_their_constructors_is_taken_or_answered(constructor: Any) -> None:
    ours = {"device", "backend", "trust_remote_code", "max_length"}
    assert options_of(constructor.__init__) - set(LOAD_EQUIVALENTS) - ours == set()


def test_no_equivalent_is_for_an_option_that_there_is() -> None:
    assert not set(LOAD_EQUIVALENTS) & set(ModelConfig.__slots__)
    assert not set(ENCODE_EQUIVALENTS) & {"batch_size", "on_overflow", "progress", "devices"}


@pytest.mark.parametrize("name", sorted(ENCODE_EQUIVALENTS))
def test_an_option_of_another_encode_is_answered(name: str) -> None:
    unknown: Any = {name: 1}
    with pytest.raises(InvalidArgumentError) as caught:
        settings_of(**unknown)
    assert str(caught.value) == f"there is no option {name!r}; {ENCODE_EQUIVALENTS[name]}"


@pytest.mark.parametrize("name", sorted(LOAD_EQUIVALENTS))
def test_an_option_of_another_constructor_is_answered(name: str) -> None:
    unknown: Any = {name: 1}
    with pytest.raises(InvalidArgumentError) as caught:
        configure(ALL_MINILM_L6_V2, **unknown)
    assert str(caught.value) == f"there is no option {name!r}; {LOAD_EQUIVALENTS[name]}"


def test_a_misspelt_option_gets_the_nearest_one() -> None:
    with pytest.raises(InvalidArgumentError, match="did you mean 'batch_size'"):
        refuse_unknown({"bacth_size": 1}, ("batch_size", "progress"), {})
    with pytest.raises(InvalidArgumentError, match="expected one of batch_size, progress"):
        refuse_unknown({"zzz": 1}, ("batch_size", "progress"), {})


def test_a_wrong_argument_is_caught_as_type_value_and_own_error() -> None:
    for kind in (TypeError, ValueError, HolotypeError):
        with pytest.raises(kind):
            as_flag("progress", "yes")


@pytest.mark.parametrize("count", [1, 8, np.int64(8)])
def test_whole_numbers_of_any_library_count(count: Any) -> None:
    assert as_count("batch_size", count) == int(count)


@pytest.mark.parametrize("count", [0, -1, True, 8.0, "8", np.float32(8), [8]])
def test_nothing_else_counts(count: Any) -> None:
    with pytest.raises(InvalidArgumentError, match="expected a whole number of at least 1"):
        as_count("batch_size", count)
