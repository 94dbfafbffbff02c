"""The options that every encoding method takes, for all kinds of models."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

from holotype.encoders.arguments import ENCODE_EQUIVALENTS, as_count, as_flag, refuse_unknown
from holotype.errors import InvalidArgumentError

if TYPE_CHECKING:
    from typing_extensions import TypedDict
else:
    from typing import TypedDict

OnOverflow: TypeAlias = Literal["error", "warn", "truncate"]
_ON_OVERFLOW = get_args(OnOverflow)
SideName: TypeAlias = Literal["query", "document", "text"]
"""The role of the texts: queries, documents, or neither."""
_SIDE_NAMES = get_args(SideName)
TextSide: TypeAlias = Literal["query", "document"]
"""The towers of a model: one reads queries, the other documents."""


def check_side(side: str) -> None:
    """Refuse an unknown side.

    Raises:
        ValueError: the side is unknown; the error lists the known ones.
    """
    if side not in _SIDE_NAMES:
        raise ValueError(f"side is {side!r}; expected one of {', '.join(_SIDE_NAMES)}")


class _Options(TypedDict, total=False):
    """How a call encodes; `settings_of` supplies the defaults.

    Attributes:
        batch_size: how many texts the model reads at once; None, the default, sizes batches to
            the machine, by their number of tokens.
        on_overflow: what happens to texts longer than the model reads. ``"warn"``, the default,
            truncates them and warns once, after the call, with the number of texts and tokens;
            ``"truncate"`` truncates them silently; ``"error"`` raises before the model runs.
        progress: whether to show the call's progress in a line on stderr; None, the default,
            shows it if stderr is a terminal and the call takes long.
        devices: where to run, such as ``["cuda:0", "cuda:1"]``. The model is loaded once on each
            new device, and stays there until the encoder is closed. A device named twice runs two
            batches at once. None, the default, is the encoder's own device.
    """

    batch_size: int | None
    on_overflow: OnOverflow
    progress: bool | None
    devices: Sequence[str] | None


# `holotype.run_options` explains why this is closed.
if TYPE_CHECKING:

    class EncodeOptions(_Options, closed=True):
        """How a call encodes."""

else:

    class EncodeOptions(_Options):
        """How a call encodes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EncodeSettings:
    """The options of one call, checked; see `EncodeOptions`."""

    batch_size: int | None
    on_overflow: OnOverflow
    progress: bool | None
    devices: tuple[str, ...] | None


def settings_of(
    *,
    batch_size: int | None = None,
    on_overflow: OnOverflow = "warn",
    progress: bool | None = None,
    devices: Sequence[str] | None = None,
    **unknown: object,
) -> EncodeSettings:
    """Check the options of a call, passed as ``**options``.

    Raises:
        InvalidArgumentError: there is no such option, or one has a wrong type or value.
    """
    refuse_unknown(unknown, EncodeSettings.__slots__, ENCODE_EQUIVALENTS)
    if on_overflow not in _ON_OVERFLOW:
        raise InvalidArgumentError(
            f"on_overflow is {on_overflow!r}; expected one of {', '.join(_ON_OVERFLOW)}"
        )
    # A string is also a sequence of strings.
    if devices is not None and (not _are_devices(devices) or not devices):
        raise InvalidArgumentError(
            f"devices is {devices!r}; expected a list such as ['cuda:0', 'cuda:1'], or None"
        )
    return EncodeSettings(
        batch_size=as_count("batch_size", batch_size),
        on_overflow=on_overflow,
        progress=None if progress is None else as_flag("progress", progress),
        devices=None if devices is None else tuple(devices),
    )


def _are_devices(devices: object) -> bool:
    return isinstance(devices, list | tuple) and all(isinstance(name, str) for name in devices)
