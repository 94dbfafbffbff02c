"""How much memory a model takes: declared, remembered from its last load, or estimated.

The estimate is ``1.2 x values x bytes of the data type + 64 MiB``: the weights, a fifth for what
loading and the tokenizer need, and room for a batch. The number of values comes from the headers of
the weights where the files are here, else from the record.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any, Literal, TypeAlias

from holotype.atomic_file import replace_file

Origin: TypeAlias = Literal["declared", "remembered", "estimated", "unknown"]

_LOG = logging.getLogger("holotype.pool")
_FORMAT = 1
_MOST_ENTRIES = 10_000
_BYTES = {"float32": 4, "auto": 4, "float16": 2, "bfloat16": 2, "int8": 1}
_HEADROOM = 1.2
BATCH_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """What a model takes.

    Attributes:
        n_bytes: the number of bytes.
        origin: where the number comes from; ``"unknown"`` goes with 0.
    """

    n_bytes: int
    origin: Origin


def estimate_bytes(n_values: int, dtype: str | None) -> int:
    """Estimate the memory of a model from the number of values in its weights.

    Args:
        n_values: the number of parameters.
        dtype: the type that they are loaded in; None is float32.
    """
    return int(n_values * _BYTES[dtype or "float32"] * _HEADROOM) + BATCH_BYTES


def identity_of(facts: Mapping[str, Any]) -> str:
    """Return a digest of what decides how much memory a model takes.

    Args:
        facts: values that JSON has, by name.
    """
    text = json.dumps(facts, sort_keys=True, separators=(",", ":"))
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


class Sizes:
    """The sizes of models that were loaded before, in a file that survives the process."""

    def __init__(self, path: Path | None) -> None:
        """Use a file, which need not exist.

        Args:
            path: the file; None forgets with the process.
        """
        self._path = path
        self._lock = Lock()
        self._known: dict[str, int] = {}
        if path is not None:
            self._known = _read(path)

    @classmethod
    def of_user(cls) -> Sizes:
        """Return the sizes that this user's pools share, in holotype's cache."""
        from holotype.references.cache import cache_folder

        return cls(cache_folder() / "sizes.json")

    def remembered(self, identity: str) -> int | None:
        """Return the size of a model in bytes; None if it was never loaded."""
        with self._lock:
            return self._known.get(identity)

    def remember(self, identity: str, n_bytes: int) -> None:
        """Write a measured size down; a file that cannot be written is a warning in the log."""
        with self._lock:
            if self._known.get(identity) == n_bytes:
                return
            # Other processes write, too.
            others = {} if self._path is None else _read(self._path)
            self._known = {**self._known, **others}
            self._known.pop(identity, None)
            self._known[identity] = n_bytes
            while len(self._known) > _MOST_ENTRIES:
                del self._known[next(iter(self._known))]
            if self._path is not None:
                _write(self._path, self._known)


def _read(path: Path) -> dict[str, int]:
    try:
        found = json.loads(path.read_bytes())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, RecursionError) as error:
        _LOG.warning("%s cannot be read and is written anew: %s", path, error)
        return {}
    sizes = found.get("sizes") if isinstance(found, dict) else None
    if not isinstance(sizes, dict) or found.get("format") != _FORMAT:
        _LOG.warning("%s is no file of sizes of format %d and is written anew", path, _FORMAT)
        return {}
    return {
        name: size
        for name, size in sizes.items()
        if isinstance(size, int) and not isinstance(size, bool) and size >= 0
    }


def _write(path: Path, known: Mapping[str, int]) -> None:
    text = json.dumps({"format": _FORMAT, "sizes": dict(known)}, indent=0)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, text.encode())
    except OSError as error:
        _LOG.warning("%s cannot be written; sizes are forgotten with the process: %s", path, error)
