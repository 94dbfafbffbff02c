"""The options that every method that encodes takes, whatever the kind of model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias, TypedDict, get_args

OnOverflow: TypeAlias = Literal["error", "warn", "truncate"]
SideName: TypeAlias = Literal["query", "document", "text"]
"""How texts are read: as queries, as documents, or as neither."""


class EncodeOptions(TypedDict, total=False):
    """How a call encodes; `settings_of` gives what is left out its default.

    Attributes:
        batch_size: how many texts the model reads at once; None, the default, makes batches as
            large as suits the machine, by the number of their tokens.
        on_overflow: what happens to texts longer than the model reads. ``"warn"``, the default,
            cuts them and warns once, when the call is done, with the number of texts and tokens;
            ``"truncate"`` cuts them without a word; ``"error"`` refuses before the model runs.
        progress: whether a line on stderr tells how far the call has come; None, the default,
            shows it where stderr is a terminal and the work is long.
    """

    batch_size: int | None
    on_overflow: OnOverflow
    progress: bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class EncodeSettings:
    """The options of one call, checked; see `EncodeOptions`."""

    batch_size: int | None
    on_overflow: OnOverflow
    progress: bool | None


def settings_of(
    *,
    batch_size: int | None = None,
    on_overflow: OnOverflow = "warn",
    progress: bool | None = None,
) -> EncodeSettings:
    """Check the options of a call, passed as ``**options``.

    Raises:
        TypeError: there is no such option.
        ValueError: an option is none of its values.
    """
    if batch_size is not None and batch_size < 1:
        raise ValueError(f"batch_size is {batch_size!r}; expected at least 1, or None")
    if on_overflow not in get_args(OnOverflow):
        raise ValueError(
            f"on_overflow is {on_overflow!r}; expected one of {', '.join(get_args(OnOverflow))}"
        )
    return EncodeSettings(batch_size=batch_size, on_overflow=on_overflow, progress=progress)
