from __future__ import annotations

from typing import Any

import pytest

from holotype.encoders.checkpoints.caption_limits import CaptionLimits
from holotype.encoders.checkpoints.caption_tokens import check_caption_tokens
from holotype.encoders.checkpoints.json_file import JsonFile
from holotype.errors import CheckpointError

LIMITS = CaptionLimits(vocab_size=50, n_positions=None)
ONE = ("bos", "pad", "sep", "decoder_start", "forced_bos")
ONE_OR_SEVERAL = ("eos", "forced_eos")
LISTS = ("suppress_tokens", "begin_suppress_tokens")
WRONG_LISTS: tuple[Any, ...] = (1, {}, [50], [True], "ab")
WRONG_LISTS_OF_LISTS: tuple[Any, ...] = (1, {}, [], [1], [[]], [[50]])
NO_TOKENS: tuple[Any, ...] = (
    *(-1, 50, 10**30, 1.5, 2.0, True, "1", {}, []),
    *([1.5], [-2], [50], [[1]]),
)
LISTS_OF_LISTS = ("bad_words_ids", "force_words_ids")


def check(name: str, value: Any) -> None:
    file = JsonFile("generation_config.json", {name: value}, "model/generation_config.json")
    check_caption_tokens(file, LIMITS)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *[
            (f"{name}_token_id", value)
            for name in (*ONE, *ONE_OR_SEVERAL)
            for value in (0, 49, None)
        ],
        *[(f"{name}_token_id", [3, 49]) for name in ONE_OR_SEVERAL],
        *[(name, value) for name in LISTS for value in (None, [], [0, 49])],
        *[(name, value) for name in LISTS_OF_LISTS for value in (None, [[0], [49, 1]])],
    ],
)
def test_tokens_of_the_vocabulary_are_accepted(name: str, value: Any) -> None:
    check(name, value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *[(f"{name}_token_id", value) for name in (*ONE, *ONE_OR_SEVERAL) for value in NO_TOKENS],
        *[(f"{name}_token_id", [1]) for name in ONE],
        *[(name, value) for name in LISTS for value in WRONG_LISTS],
        *[(name, value) for name in LISTS_OF_LISTS for value in WRONG_LISTS_OF_LISTS],
    ],
)
def test_what_is_no_token_of_the_vocabulary_is_refused_by_its_name(name: str, value: Any) -> None:
    with pytest.raises(
        CheckpointError,
        match=rf"generation_config.json: '{name}' is .*; expected .* of the 50 in the vocabulary",
    ):
        check(name, value)
