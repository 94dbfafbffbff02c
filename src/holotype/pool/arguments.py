"""What callers pass to a pool, checked where it comes in: seconds, counts, bytes and names."""

from __future__ import annotations

from collections.abc import Callable
from math import inf, nan
from numbers import Integral, Real
from threading import TIMEOUT_MAX
from typing import Any, TypeAlias, get_args

from holotype.catalogue import Catalogue
from holotype.deployment.document import (
    Deployment,
    ModelSpec,
    PoolSettings,
    ReferenceSource,
    Source,
    Swap,
)
from holotype.encoders.names import as_reference
from holotype.errors import InvalidArgumentError, printable
from holotype.pool.generation import ModelKind
from holotype.records import ModelInfo
from holotype.references.ref import ModelRef

Named: TypeAlias = str | ModelRef | ModelInfo
"""A model as programs name it: a reference such as ``catalogue:bge-m3``, or a record."""

LONGEST_S = TIMEOUT_MAX / 2
"""Stands for no limit: locks can still wait until the clock's time and these seconds."""

_KINDS: tuple[str, ...] = get_args(ModelKind)
_MODES: tuple[str, ...] = get_args(Swap)
_SHOWN = 80


def check_seconds(what: str, seconds: object) -> float:
    """Return a time that can be waited for; infinity and what is too long become `LONGEST_S`.

    Args:
        what: what it is, for the error.
        seconds: a real number, 0 or more.

    Raises:
        InvalidArgumentError: it is none.
    """
    return _waited_for(what, seconds, "0 or more")


def check_timeout(seconds: object, what: str = "timeout_s") -> float | None:
    """Do what `check_seconds` does, and let None be None."""
    return None if seconds is None else _waited_for(what, seconds, "0 or more, or None")


def _waited_for(what: str, seconds: object, expected: str) -> float:
    if type(seconds) is float and 0.0 <= seconds <= LONGEST_S:
        # What nearly every call passes; asking whether something is a real number is slow.
        return seconds
    number = _as_float(seconds)
    if not number >= 0:
        raise _wrong(what, seconds, f"seconds as a number, {expected}; inf is no limit")
    return min(number, LONGEST_S)


def check_finite(what: str, seconds: object, *, above_0: bool = False) -> None:
    """Refuse what is no time with an end.

    Args:
        what: what it is, for the error.
        seconds: a real number.
        above_0: whether 0 is refused, too.

    Raises:
        InvalidArgumentError: it is none.
    """
    number = _as_float(seconds)
    if not 0 <= number <= LONGEST_S or (above_0 and not number):
        least = "above 0" if above_0 else "0 or more"
        raise _wrong(what, seconds, f"seconds as a number, {least}, and not inf")


def check_count(what: str, count: object, *, least: int = 1) -> None:
    """Refuse what is no whole number, or too small.

    Raises:
        InvalidArgumentError: see above.
    """
    if isinstance(count, bool) or not isinstance(count, Integral) or count < least:
        raise _wrong(what, count, f"a whole number, {least} or more")


def check_name(what: str, name: object) -> None:
    """Refuse what is no text, before it is looked up.

    Raises:
        InvalidArgumentError: see above.
    """
    if not isinstance(name, str):
        raise _wrong(what, name, "a text")


def check_flag(what: str, flag: object) -> None:
    """Refuse what is neither True nor False.

    Raises:
        InvalidArgumentError: see above.
    """
    if not isinstance(flag, bool):
        raise _wrong(what, flag, "True or False")


def check_place(name: object, key: object, variant: object) -> None:
    """Refuse names of models, keys and variants that are no texts.

    Raises:
        InvalidArgumentError: see above.
    """
    if not isinstance(name, str):
        raise _wrong("name", name, "the name of a model of the pool, a text")
    check_route(key, variant)


def check_route(key: object, variant: object) -> None:
    """Refuse keys and variants that are no texts.

    Raises:
        InvalidArgumentError: see above.
    """
    if key is not None and not isinstance(key, str):
        raise _wrong("key", key, "a text, such as the user's name, or None")
    if variant is not None and not isinstance(variant, str):
        raise _wrong("variant", variant, "the name of a variant, a text, or None")


def check_call(
    name: object, method: object, key: object, variant: object, kind: object, batched: object
) -> None:
    """Refuse arguments of a call that no model could be found by.

    Raises:
        InvalidArgumentError: one is of another type, or there is no such kind.
    """
    check_place(name, key, variant)
    if not isinstance(method, str):
        raise _wrong("method", method, "the name of a method, such as 'encode_query'")
    check_flag("batched", batched)
    if kind is not None and kind not in _KINDS:
        raise _wrong("kind", kind, f"one of {', '.join(_KINDS)}, or None")


def check_mode(mode: object) -> None:
    """Refuse ways to swap that there are not.

    Raises:
        InvalidArgumentError: it is none.
    """
    if mode is not None and mode not in _MODES:
        raise _wrong("mode", mode, f"one of {', '.join(_MODES)}, or None")


def as_source(source: Source | Named, catalogue: Catalogue[Any] | None = None) -> Source:
    """Return where a model comes from.

    Args:
        source: a source, which is returned, or what names a model.
        catalogue: where ids are looked up before holotype's own catalogue.

    Raises:
        InvalidReferenceError: the text is no reference.
        InvalidArgumentError: it is neither a text, nor a reference, nor a record, nor a source.
    """
    if isinstance(source, Source):
        return source
    named = ModelRef.parse(source) if isinstance(source, str) else source
    return ReferenceSource(ref=as_reference(named, catalogue))


def check_deployment(deployment: object) -> None:
    """Refuse what is no deployment, such as the place of one.

    Raises:
        InvalidArgumentError: see above.
    """
    if not isinstance(deployment, Deployment):
        expected = "a Deployment, such as load_deployment(PLACE).deployment"
        raise _wrong("deployment", deployment, expected)


def check_numbers(deployment: Deployment) -> None:
    """Refuse numbers that a file could not have, in a deployment that a program made.

    Raises:
        InvalidArgumentError: one is out of range; the error names the model and the field.
    """
    _check_settings(deployment.pool)
    for spec in deployment.models:
        _check_spec(spec)


def _check_settings(settings: PoolSettings) -> None:
    if settings.idle_after_s is not None:
        check_finite("idle_after_s of the pool's settings", settings.idle_after_s)
    check_finite("min_resident_s of the pool's settings", settings.min_resident_s)
    for limit in settings.memory:
        where = f"of the memory limit of {limit.device}"
        if limit.n_bytes is not None:
            check_count(f"n_bytes {where}", limit.n_bytes)
        if limit.share is not None:
            _check_share(f"share {where}", limit.share)


def _check_spec(spec: ModelSpec) -> None:
    check_name("the name of a model", spec.name)
    where = f"of the model {printable(repr(spec.name))}"
    check_timeout(spec.timeout_s, f"timeout_s {where}")
    check_count(f"copies {where}", spec.copies)
    _each(spec, where, (("dim", check_count), ("memory_bytes", _check_bytes)))
    for one in spec.variants:
        at = where if len(spec.variants) == 1 else f"of the variant {one.name!r} {where}"
        inference = one.inference
        _each(inference, at, (("batch_tokens", check_count), ("max_length", check_count)))


def _each(
    record: object, where: str, checks: tuple[tuple[str, Callable[[str, object], None]], ...]
) -> None:
    for field, check in checks:
        value = getattr(record, field)
        if value is not None:
            check(f"{field} {where}", value)


def _check_bytes(what: str, value: object) -> None:
    check_count(what, value, least=0)


def _check_share(what: str, share: object) -> None:
    if not 0 < _as_float(share) <= 1:
        raise _wrong(what, share, "a number above 0, and 1 at most")


def _as_float(value: object) -> float:
    """Return a real number; infinity where it is too large for a float, NaN where it is none."""
    if isinstance(value, bool) or not isinstance(value, Real):
        return nan
    try:
        return float(value)
    except OverflowError:
        return -inf if value < 0 else inf


def _wrong(what: str, value: object, expected: str) -> InvalidArgumentError:
    return InvalidArgumentError(f"{what} is {_shown(value)}; expected {expected}")


def _shown(value: object) -> str:
    try:
        text = repr(value)
    except ValueError:
        # Whole numbers of thousands of digits have no text.
        return f"a {type(value).__name__} of too many digits"
    return printable(text if len(text) <= _SHOWN else f"{text[:_SHOWN]}...")
