"""Whether the tokens that the settings of a search for captions name are in the vocabulary.

A search looks up the vectors of some of them, and compares others with what it writes: a token that
is none fails in the middle of the first caption.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

from holotype.encoders.checkpoints.caption_limits import CaptionLimits
from holotype.encoders.checkpoints.json_file import JsonFile

_IsRight: TypeAlias = Callable[[object, CaptionLimits], bool]


def check_caption_tokens(file: JsonFile, limits: CaptionLimits) -> None:
    """Check every setting of a search that names tokens; null is none.

    Args:
        file: the settings.
        limits: the sizes of the network that writes.

    Raises:
        CheckpointError: one is not in the vocabulary, or not written as it should be.
    """
    for name, (what, is_right) in _SETTINGS.items():
        value = file.values.get(name)
        if value is not None and not is_right(value, limits):
            known = "" if limits.vocab_size is None else f" of the {limits.vocab_size:,}"
            raise file.wrong(name, value, f"{what}{known} in the vocabulary")


def _is_token(value: object, limits: CaptionLimits) -> bool:
    return limits.expected_token(value) is None


def _are_tokens(value: object, limits: CaptionLimits) -> bool:
    return isinstance(value, list) and all(_is_token(token, limits) for token in value)


def _is_sequence(value: object, limits: CaptionLimits) -> bool:
    return value != [] and _are_tokens(value, limits)


def _is_token_or_several(value: object, limits: CaptionLimits) -> bool:
    return _is_token(value, limits) or _is_sequence(value, limits)


def _are_sequences(value: object, limits: CaptionLimits) -> bool:
    return (
        isinstance(value, list) and all(_is_sequence(one, limits) for one in value) and value != []
    )


_TOKEN = ("the id of a token", _is_token)
_TOKENS = ("a list of ids of tokens", _are_tokens)
_ENDS = ("the id of a token, or a list of some,", _is_token_or_several)
_SEQUENCES = ("a list of lists of ids of tokens", _are_sequences)
_SETTINGS: Mapping[str, tuple[str, _IsRight]] = {
    "bos_token_id": _TOKEN,
    "pad_token_id": _TOKEN,
    "sep_token_id": _TOKEN,
    "decoder_start_token_id": _TOKEN,
    "forced_bos_token_id": _TOKEN,
    "eos_token_id": _ENDS,
    "forced_eos_token_id": _ENDS,
    "suppress_tokens": _TOKENS,
    "begin_suppress_tokens": _TOKENS,
    "bad_words_ids": _SEQUENCES,
    "force_words_ids": _SEQUENCES,
}
