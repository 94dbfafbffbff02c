"""What callers pass as texts, and what is said when texts are too long."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from typing import Literal, TypeAlias, get_args

from holotype.encoders.tokenization import TokenizedText
from holotype.errors import TextOverflowError, TextOverflowWarning

OnOverflow: TypeAlias = Literal["error", "warn", "truncate"]

# The frames between a caller and the warning: encode_*, _encode and report_overflow.
_FRAMES_TO_CALLER = 4


def as_list(texts: str | Iterable[str]) -> list[str]:
    """Return one or several texts as a list.

    Raises:
        TypeError: something is not a string.
        ValueError: a string holds half of a surrogate pair, which no text has.
    """
    found = [texts] if isinstance(texts, str) else list(texts)
    for index, text in enumerate(found):
        if not isinstance(text, str):
            raise TypeError(
                f"the text at index {index} is of type {type(text).__name__}; expected str"
            )
        if not text.isascii():
            try:
                text.encode()
            except UnicodeEncodeError as error:
                raise ValueError(
                    f"the text at index {index} holds half of a surrogate pair at position "
                    f"{error.start}; decode its bytes with errors='replace'"
                ) from None
    return found


def check_batch_size(batch_size: int) -> None:
    """Raise a `ValueError` for a batch size that is not positive."""
    if batch_size < 1:
        raise ValueError(f"batch_size is {batch_size!r}; expected at least 1")


def report_overflow(
    texts: Sequence[TokenizedText],
    on_overflow: OnOverflow,
    *,
    model_id: str,
    max_length: int | None,
) -> None:
    """Tell the caller of a call, once, how many texts are cut and by how much.

    Raises:
        TextOverflowError: texts are too long, and that is an error.
        ValueError: `on_overflow` is none of its values.
    """
    if on_overflow not in get_args(OnOverflow):
        raise ValueError(
            f"on_overflow is {on_overflow!r}; expected one of {', '.join(get_args(OnOverflow))}"
        )
    cut = [index for index, text in enumerate(texts) if text.n_cut]
    if not cut or max_length is None or on_overflow == "truncate":
        return
    n_tokens = sum(texts[index].n_cut for index in cut)
    if on_overflow == "error":
        raise TextOverflowError(model_id, len(cut), n_tokens, max_length, cut[0])
    warnings.warn(
        f"{len(cut)} of {len(texts)} texts are longer than the {max_length} tokens that "
        f"{model_id!r} reads; {n_tokens} tokens were cut. Split long texts, or pass "
        'on_overflow="truncate" to cut without a word, "error" to refuse',
        TextOverflowWarning,
        stacklevel=_FRAMES_TO_CALLER,
    )
