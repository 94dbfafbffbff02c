"""Files of texts to measure models on: those that ship, by name, and users' own, by path."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from holotype.errors import InvalidArgumentError
from holotype.naming import nearest

_LARGEST_FILE_BYTES = 2_000_000_000
_FORMAT_VERSION = 1
_TEXTS = ("name", "license", "description")


@dataclass(frozen=True, slots=True, kw_only=True)
class DataFile:
    """A file of which everything is checked that such files have in common.

    Attributes:
        location: its path, for errors.
        digest: its SHA-256, ``sha256:`` and 64 hexadecimal digits.
        name: the name that it states.
        license: the licence that it states; empty if it states none.
        description: what it says of itself; can be empty.
        values: all that it holds.
    """

    location: str
    digest: str
    name: str
    license: str
    description: str
    values: Mapping[str, Any]

    def objects(self, key: str) -> dict[str, Any]:
        """Return the objects of a key, by id.

        Raises:
            InvalidArgumentError: there are none.
        """
        found = self.values.get(key)
        if not isinstance(found, dict) or not found:
            raise InvalidArgumentError(
                f"{self.location} has no {key}; expected an object of them by id"
            )
        return found


def shipped_data(folder: Path) -> tuple[str, ...]:
    """Return the names of the sets in a folder of holotype."""
    return tuple(sorted(path.stem for path in folder.glob("*.json")))


def read_data(source: str | Path, folder: Path, what: str, *keys: str) -> DataFile:
    """Read a file of JSON: an object with ``format`` 1, a name, and keys of its own.

    Args:
        source: the name of a set that ships, or a path.
        folder: where those that ship are.
        what: what it is, for errors: ``set of queries``.
        keys: the keys that it may have, beside those that all files have.

    Raises:
        InvalidArgumentError: there is no such file, it is too large, no JSON, or another object.
    """
    shipped = shipped_data(folder)
    path = Path(source)
    if isinstance(source, str) and source in shipped:
        path = folder / f"{source}.json"
    try:
        size = path.stat().st_size
        if size > _LARGEST_FILE_BYTES:
            raise InvalidArgumentError(f"{path} has {size} bytes, more than {_LARGEST_FILE_BYTES}")
        content = path.read_bytes()
    except OSError as error:
        near = nearest(str(source), shipped)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise InvalidArgumentError(
            f"there is no {what} {str(source)!r}: {error.strerror}; pass a file, or one that ships: "
            f"{', '.join(shipped)}{hint}"
        ) from error
    try:
        values = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise InvalidArgumentError(f"{path} is not JSON: {error}") from None
    if not isinstance(values, dict) or values.get("format") != _FORMAT_VERSION:
        raise InvalidArgumentError(f'{path} is no {what}: expected "format": {_FORMAT_VERSION}')
    if unknown := sorted(set(values) - {"format", *_TEXTS, *keys}):
        raise InvalidArgumentError(f"{path} has the unknown key {unknown[0][:80]!r}")
    stated = {key: values.get(key, "") for key in _TEXTS}
    for key, text in stated.items():
        if not isinstance(text, str) or (key == "name" and not text):
            raise InvalidArgumentError(f"{path} has no {key}, or one that is no text")
    digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
    return DataFile(location=str(path), digest=digest, values=values, **stated)
