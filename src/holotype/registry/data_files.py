"""Files of texts to measure models on: those that ship, by name, and users' own, by path."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from holotype.errors import InvalidArgumentError
from holotype.naming import nearest

_LARGEST_FILE_BYTES = 2_000_000_000


def shipped_data(folder: Path) -> tuple[str, ...]:
    """Return the names of the sets in a folder of holotype."""
    return tuple(sorted(path.stem for path in folder.glob("*.json")))


def read_data(source: str | Path, folder: Path, what: str) -> tuple[Any, str, str]:
    """Read a file of JSON.

    Args:
        source: the name of a set that ships, or a path.
        folder: where those that ship are.
        what: what it is, for errors: ``set of queries``.

    Returns:
        What it holds, its path for errors, and its digest: ``sha256:`` and 64 hexadecimal digits.

    Raises:
        InvalidArgumentError: there is no such file, it is too large, or no JSON.
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
        raise InvalidArgumentError(f"{path} is no JSON: {error}") from None
    return values, str(path), f"sha256:{hashlib.sha256(content).hexdigest()}"
