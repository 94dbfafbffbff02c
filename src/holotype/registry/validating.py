"""Loads a version and checks whether it may become the active one of its kind."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from holotype.catalogue import Catalogue
from holotype.errors import HolotypeError
from holotype.registry.checks import (
    CheckResult,
    VersionCheck,
    last_checks,
    record_check,
)
from holotype.registry.model_registry import ModelRegistry
from holotype.registry.picture_speed import reads_pictures
from holotype.registry.resolving import fetch_version, labels_of, load_version
from holotype.registry.versions import WITH_VECTORS, ModelVersion

_PROBE = "text"
_PICTURE = np.arange(32 * 32 * 3, dtype=np.uint32).reshape(32, 32, 3).astype(np.uint8)
_INDEX = (
    "an index of one is useless with the other: rebuild it and allow different vectors, or choose a "
    "version with the same fingerprint"
)

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedVersion:
    """A version that is loaded.

    Attributes:
        model: the encoder.
        load_s: how long the load took, in seconds.
        memory_bytes: what it holds.
    """

    model: Any
    load_s: float
    memory_bytes: int


OpenVersion: TypeAlias = Callable[[ModelVersion], AbstractContextManager[LoadedVersion]]
"""Loads a version for as long as its block runs."""


@contextmanager
def open_version(version: ModelVersion) -> Iterator[LoadedVersion]:
    """Load a version on the first device that there is; see `load_version` for the errors."""
    began_s = time.perf_counter()
    with load_version(version) as model:
        yield LoadedVersion(
            model=model,
            load_s=time.perf_counter() - began_s,
            memory_bytes=int(model.memory_bytes),
        )


class ModelValidator:
    """Checks versions, and records what came of it."""

    def __init__(self, registry: ModelRegistry, *, open: OpenVersion = open_version) -> None:
        """Check versions of a registry.

        Args:
            registry: the registry.
            open: loads a version. A server passes what counts its memory.
        """
        self._registry = registry
        self._open = open

    def validate(
        self,
        version: ModelVersion,
        *,
        against: ModelVersion | None = None,
        allow_different_vectors: bool = False,
        loaded: LoadedVersion | None = None,
    ) -> VersionCheck:
        """Check a version, and record the check.

        Its files are compared with their digests; it is loaded; its type, its dimension and its
        fingerprint are compared with what was registered, its vectors or labels with those of the
        version that it is to replace; and it is called once.

        Args:
            version: the version.
            against: the version that it is to replace; None if there is none.
            allow_different_vectors: whether it may make other vectors, or have other labels.
            loaded: the version, if it is loaded already.

        Returns:
            The check. What is wrong with the version is in it, and not raised.

        Raises:
            DatabaseUnavailableError: the database does not answer.
        """
        results = _Results()
        if results.try_to("files", lambda: _check_files(version, self._registry.catalogue)):
            if loaded is not None:
                self._look_at(results, version, loaded)
            else:
                self._load_and_look(results, version)
        if against is not None and results.facts:
            earlier = last_checks(self._registry.database, [against.id]).get(against.id)
            known = None if earlier is None else earlier.facts.get("labels")
            results.add(
                *compare_vectors(version, against, allowed=allow_different_vectors),
                compare_labels(
                    version,
                    against,
                    results.facts.get("labels"),
                    known,
                    allowed=allow_different_vectors,
                ),
            )
        return record_check(self._registry.database, version.id, results.found, results.facts)

    def _load_and_look(self, results: _Results, version: ModelVersion) -> None:
        try:
            with self._open(version) as opened:
                self._look_at(results, version, opened)
        except Exception as error:
            # Whatever a backend raises is what is wrong with the version.
            results.fail("load", error)

    def _look_at(self, results: _Results, version: ModelVersion, loaded: LoadedVersion) -> None:
        model = loaded.model
        results.add(_passed("load", f"loaded in {loaded.load_s:.2f} s on {model.device}"))
        results.facts.update(
            {
                "type": str(model.record.type),
                "device": str(model.device),
                "dtype": str(model.dtype),
                "max_length": getattr(model, "max_length", None),
                "labels": list(getattr(model, "labels", ())),
                "load_s": round(loaded.load_s, 3),
                "memory_bytes": loaded.memory_bytes,
            }
        )
        results.add(
            _equal("type", version.type, str(model.record.type)),
            _passed("memory", f"{loaded.memory_bytes:,} bytes"),
        )
        if version.type in WITH_VECTORS:
            results.facts["dim"] = int(model.dim)
            results.add(_equal("dimension", version.embedding_dim, int(model.dim)))
            results.try_to("fingerprint", lambda: self._check_fingerprint(results, version, model))
        results.try_to("probe", lambda: _probe(results, model))

    def _check_fingerprint(self, results: _Results, version: ModelVersion, model: Any) -> str:
        results.facts["fingerprint"] = str(model.fingerprint)
        result = _equal("fingerprint", version.fingerprint, str(model.fingerprint))
        if result.outcome == "failed":
            raise _CheckError(result.message)
        return result.message


def compare_vectors(
    version: ModelVersion, against: ModelVersion, *, allowed: bool
) -> tuple[CheckResult, ...]:
    """Compare the vectors of a version with those of the one that it is to replace."""
    if version.type not in WITH_VECTORS:
        return (_skipped("vectors", f"a {version.type} model makes none that an index keeps"),)
    if version.fingerprint == against.fingerprint:
        return (_passed("vectors", f"the same as those of {against.name}"),)
    dims = version.embedding_dim, against.embedding_dim
    sizes = "" if dims[0] == dims[1] else f" of {dims[0]} instead of {dims[1]} numbers"
    found = f"others{sizes} than those of {against.name}"
    if allowed:
        return (_passed("vectors", f"{found}, which is allowed: every index must be built anew"),)
    return (CheckResult(name="vectors", outcome="failed", message=f"{found}; {_INDEX}"),)


def compare_labels(
    version: ModelVersion,
    against: ModelVersion,
    labels: list[str] | None,
    known: list[str] | None,
    *,
    allowed: bool,
) -> CheckResult:
    """Compare the labels of a version with those of the one that it is to replace.

    Args:
        version: the version.
        against: the version that it is to replace.
        labels: the labels of the first; None reads them from its files.
        known: the labels of the second; likewise.
        allowed: whether they may differ.
    """
    if version.type != "classifier":
        return _skipped("labels", f"a {version.type} model has none")
    try:
        ours = list(labels_of(version)) if labels is None else labels
        theirs = list(labels_of(against)) if known is None else known
    except HolotypeError as error:
        return _skipped("labels", f"they cannot be read: {error}")
    if ours == theirs:
        return _passed("labels", f"the same as those of {against.name}: {', '.join(ours)}")
    found = f"{', '.join(ours)} instead of {', '.join(theirs)}, which {against.name} has"
    if allowed:
        return _passed("labels", f"{found}, which is allowed")
    return CheckResult(
        name="labels",
        outcome="failed",
        message=f"{found}; callers rely on them: allow different vectors if that is meant",
    )


class _CheckError(Exception):
    """A check found something wrong."""


class _Results:
    """The results of a check so far."""

    def __init__(self) -> None:
        self.found: list[CheckResult] = []
        self.facts: dict[str, Any] = {}

    def add(self, *results: CheckResult) -> None:
        """Keep results."""
        self.found += results

    def fail(self, name: str, error: Exception) -> None:
        """Keep a failure."""
        if not isinstance(error, HolotypeError | _CheckError):
            _log.warning(
                "the check %r failed with an error of another library", name, exc_info=error
            )
        lines = str(error).splitlines() or [type(error).__name__]
        message = "; ".join(line.strip() for line in lines)
        self.add(CheckResult(name=name, outcome="failed", message=message))

    def try_to(self, name: str, run: Callable[[], str]) -> bool:
        """Run a check that returns what it found, or raises; return whether it passed."""
        try:
            self.add(_passed(name, run()))
        except Exception as error:
            self.fail(name, error)
            return False
        return True


def _check_files(version: ModelVersion, catalogue: Catalogue[Any] | None) -> str:
    folder = fetch_version(version, catalogue)
    return f"every byte in {folder} is as it was registered"


def _probe(results: _Results, model: Any) -> str:
    """Call a model once, with a picture too if it reads some; what it returns must be finite."""
    began_s = time.perf_counter()
    kind = str(model.record.type)
    found: Any = None
    if kind == "classifier":
        found = model.predict_scores([_PROBE], on_overflow="truncate")
    elif kind == "cross-encoder":
        found = model.predict([(_PROBE, _PROBE)], on_overflow="truncate")
    elif kind == "captioner":
        (caption,) = model.caption([_PICTURE])
        found = np.asarray(caption.score)
    else:
        found = model.encode_query([_PROBE], on_overflow="truncate")
        if reads_pictures(model):
            # Encoders look at the vectors of pictures by themselves, too.
            model.encode_image([_PICTURE])
    milliseconds = 1000 * (time.perf_counter() - began_s)
    results.facts["probe_ms"] = round(milliseconds, 2)
    # ColBERT and sparse encoders look at every number by themselves.
    if isinstance(found, np.ndarray) and not np.isfinite(found).all():
        raise _CheckError("the first call returned NaN or infinity; the weights are damaged")
    return f"the first call took {milliseconds:.1f} ms and returned finite numbers"


def _equal(name: str, registered: object, found: object) -> CheckResult:
    if registered == found:
        return _passed(name, f"{found}, as it was registered")
    return CheckResult(
        name=name,
        outcome="failed",
        message=f"{found}, and it was registered with {registered}; register what there is now as "
        "another version",
    )


def _passed(name: str, message: str) -> CheckResult:
    return CheckResult(name=name, outcome="passed", message=message)


def _skipped(name: str, message: str) -> CheckResult:
    return CheckResult(name=name, outcome="skipped", message=message)
