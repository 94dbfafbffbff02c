"""Locks of the operating system, which end with the process that holds them, however that is."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from holotype.errors import ArtifactError, MissingExtraError, StoreBusyError


@contextmanager
def exclusive(file: Path, *, busy: str, patience_s: float | None = None) -> Iterator[None]:
    """Hold a lock for as long as the block runs; the file stays.

    Args:
        file: the file of the lock, in a folder that exists.
        busy: what the error says where another process holds it.
        patience_s: how long to wait for it, in seconds; None waits for as long as it takes.

    Raises:
        StoreBusyError: another process does not let go of it.
        MissingExtraError: filelock is not installed.
        ArtifactError: the file cannot be made.
    """
    filelock = _filelock()
    lock = filelock.FileLock(file, timeout=-1 if patience_s is None else patience_s)
    try:
        lock.acquire()
    except filelock.Timeout:
        raise StoreBusyError(str(file.parent), busy) from None
    except OSError as error:
        raise ArtifactError(str(file), f"cannot be written: {error.strerror or error}") from error
    try:
        yield
    finally:
        lock.release()


def remove_lock(file: Path) -> None:
    """Delete the file of a lock that this process holds; who waits for it takes a new one.

    Windows deletes no file that is open; there it stays.
    """
    with suppress(OSError):
        file.unlink()


def _filelock() -> Any:
    try:
        # By name, so that type checkers that read holotype do not need it.
        return importlib.import_module("filelock")
    except ModuleNotFoundError:
        raise MissingExtraError("artifacts", "filelock", "writing artifacts or aliases") from None
