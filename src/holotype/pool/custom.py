"""Classes of the operator's own under the methods that the pool's handles have."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from importlib.metadata import entry_points
from inspect import Parameter, signature
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from holotype.encoders.inputs.items import each_text
from holotype.pool.errors import PoolError

ENTRY_POINTS = "holotype.encoders"


class CustomEncoder(Protocol):
    """What a class must have to be served.

    It may also have `encode_query` and `encode_document`, `fingerprint`, `dim`, `max_length`,
    `memory_bytes` and `close`. A classifier has `labels` and `classify`, and in ensembles
    `predict_scores` and `multi_label`; it needs no `encode`. Methods are called on several threads
    at once.
    """

    def encode(self, sentences: Sequence[str]) -> NDArray[Any]:
        """Return one vector for each text: ``[n_texts, dim]``."""
        ...


def find_factory(
    name: str, allow: Collection[str], factories: Mapping[str, Callable[..., Any]]
) -> Callable[..., Any]:
    """Return the class that a deployment names, if the operator allows it.

    Args:
        name: a name of `factories`, ``module:Class``, or the name of an entry point.
        allow: the last two that may be imported.
        factories: what the program itself passed.

    Raises:
        PoolError: it is not allowed, or cannot be imported.
    """
    if name in factories:
        return factories[name]
    if name not in allow:
        allowed = ", ".join(map(repr, sorted({*allow, *factories}))) or "nothing"
        raise PoolError(
            name,
            f"is no class that may be run; allowed is {allowed}. A deployment cannot allow code "
            f"itself: pass allow={{{name!r}}} to the pool",
        )
    module, colon, attribute = name.partition(":")
    try:
        if colon:
            found: Any = importlib.import_module(module)
            for part in attribute.split("."):
                found = getattr(found, part)
            return _callable(name, found)
        (point,) = entry_points(group=ENTRY_POINTS, name=name)
        return _callable(name, point.load())
    except (ImportError, AttributeError, ValueError) as error:
        raise PoolError(
            name,
            f"cannot be imported: {error}; expected 'module:Class', or an entry point of the group "
            f"{ENTRY_POINTS!r}",
        ) from error


def _callable(name: str, found: Any) -> Callable[..., Any]:
    if not callable(found):
        raise PoolError(name, f"is no class, but of type {type(found).__name__}")
    factory: Callable[..., Any] = found
    return factory


_OPTIONS_OF_BATCHES = frozenset(("on_overflow", "progress"))
"""Options that change no vector and no score of a text that fits."""


class CustomModel:
    """A custom encoder under the methods of dense encoders and classifiers.

    Attributes:
        dim: the size of its vectors; None if the class does not say.
        fingerprint: the digest of what decides its vectors; None if the class does not say.
    """

    def __init__(self, own: Any) -> None:
        """Wrap an instance of the operator's class."""
        self._own = own
        self.dim: int | None = getattr(own, "dim", None)
        self.fingerprint: str | None = getattr(own, "fingerprint", None)
        self.max_length: int | None = getattr(own, "max_length", None)
        self.memory_bytes: int | None = getattr(own, "memory_bytes", None)
        if hasattr(own, "labels"):
            self.labels = tuple(own.labels)
        if callable(getattr(own, "classify", None)):
            self.classify = _taking_options_of_batches(own.classify)
        if callable(getattr(own, "predict_scores", None)):
            self.predict_scores = _taking_options_of_batches(own.predict_scores)
            self.multi_label = bool(getattr(own, "multi_label", True))

    def encode(self, texts: str | Iterable[str], **options: Any) -> NDArray[np.float32]:
        """Encode texts; options reach the class, which may refuse them."""
        return self._vectors(self._own.encode, texts, options)

    def encode_query(self, texts: str | Iterable[str], **options: Any) -> NDArray[np.float32]:
        """Encode queries, by the method of that name, or like other texts."""
        return self._vectors(self._method("encode_query"), texts, options)

    def encode_document(self, texts: str | Iterable[str], **options: Any) -> NDArray[np.float32]:
        """Encode documents, by the method of that name, or like other texts."""
        return self._vectors(self._method("encode_document"), texts, options)

    def _method(self, name: str) -> Any:
        return getattr(self._own, name, None) or self._own.encode

    def _vectors(
        self, method: Any, texts: str | Iterable[str], options: Mapping[str, Any]
    ) -> NDArray[np.float32]:
        given = list(each_text(texts))
        if not given:
            return np.empty((0, self.dim or 0), dtype=np.float32)
        passed = {name: value for name, value in options.items() if value is not None}
        own = _taking_options_of_batches(method)
        found = np.asarray(own(given, **passed), dtype=np.float32)
        if found.ndim != 2 or len(found) != len(given):
            raise RuntimeError(
                f"{type(self._own).__name__}.encode returned an array of the shape {found.shape} "
                f"for {len(given)} texts; expected [n_texts, dim]"
            )
        return found[0] if isinstance(texts, str) else found

    def close(self) -> None:
        """Close the instance, if its class can."""
        close = getattr(self._own, "close", None)
        if close is not None:
            close()


def _taking_options_of_batches(method: Callable[..., Any]) -> Callable[..., Any]:
    """Return a method that leaves out the options of holotype's own models where it has none.

    Whoever asks an ensemble, or a name with a fallback, does not know whose method answers.
    """
    try:
        parameters = signature(method).parameters
    except (TypeError, ValueError):
        return method
    if any(each.kind is Parameter.VAR_KEYWORD for each in parameters.values()):
        return method
    lacking = _OPTIONS_OF_BATCHES.difference(parameters)

    def call(*args: Any, **options: Any) -> Any:
        passed = {name: value for name, value in options.items() if name not in lacking}
        return method(*args, **passed)

    return call
