"""Loads deployments from where they are kept, and from the last good copy where a store fails."""

from __future__ import annotations

import hashlib
import importlib
import json
import logging
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from holotype.atomic_file import replace_file
from holotype.deployment.document import Deployment
from holotype.deployment.problems import DeploymentError
from holotype.deployment.reading import Document, read_documents
from holotype.deployment.sources import (
    DeploymentSource,
    DeploymentSourceError,
    Snapshot,
    open_source,
    snapshot,
)
from holotype.errors import HolotypeError, MissingExtraError

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """A deployment, and where it comes from.

    Attributes:
        deployment: what it says.
        location: where it is kept.
        version: the version that its place gives it; of files, the digest.
        digest: the SHA-256 of its names and texts.
        fetched_at: when it was fetched, in seconds since 1970.
        failure: why this is the last good copy; None if it comes from its place.
        older: the names of documents in an older format.
    """

    deployment: Deployment
    location: str
    version: str
    digest: str
    fetched_at: float
    failure: HolotypeError | None = None
    older: tuple[str, ...] = ()


def load_deployment(
    location: str | os.PathLike[str],
    *,
    allow_code: bool | None = None,
    last_good: LastGood | None = None,
) -> Loaded:
    """Load a deployment from a file, a folder of files, or parameters of AWS.

    Args:
        location: see `open_source`.
        allow_code: see `open_source`.
        last_good: where to keep the last good copy of a deployment from a store, to serve when the
            store fails; None keeps none. Files have none: they are here, or they are wrong.

    Raises:
        DeploymentError: it has problems, and there is no last good copy.
        DeploymentSourceError: it cannot be had, and there is no last good copy.
        MissingExtraError: a package is not installed.
    """
    source = open_source(location, allow_code=allow_code)
    try:
        return take(source.location, source.fetch(), keep_in(source, last_good))
    except (DeploymentError, DeploymentSourceError) as error:
        kept = None if source.folder is not None or last_good is None else last_good.read(source)
        if kept is None:
            raise
        _LOG.warning("%s: serving the last good copy: %s", source.location, error)
        return _loaded(source.location, *kept, failure=error)


def keep_in(source: DeploymentSource, last_good: LastGood | None) -> LastGood | None:
    """Return where good copies of a source are kept; of files there are none."""
    return None if source.folder is not None else last_good


def take(location: str, found: Snapshot, last_good: LastGood | None = None) -> Loaded:
    """Read a snapshot and, if it is good, keep it.

    Raises:
        DeploymentError: it has problems.
    """
    loaded = _loaded(location, found, time.time())
    if last_good is not None:
        last_good.write(location, found, loaded.fetched_at)
    return loaded


def _loaded(
    location: str, found: Snapshot, fetched_at: float, failure: HolotypeError | None = None
) -> Loaded:
    reading = read_documents(found.documents)
    return Loaded(
        deployment=reading.deployment,
        location=location,
        version=found.version,
        digest=found.digest,
        fetched_at=fetched_at,
        failure=failure,
        older=reading.older,
    )


class LastGood:
    """A folder with the last good copy of each location, with its version and its time."""

    def __init__(
        self, folder: Path, *, write: Callable[[Path, bytes], None] = replace_file
    ) -> None:
        """Name the folder; it is made when something is written."""
        self._folder = folder
        self._write = write

    @classmethod
    def of_user(cls) -> LastGood:
        """Return the user's: `holotype/deployments` where the system keeps state.

        Raises:
            MissingExtraError: platformdirs is not installed.
        """
        try:
            platformdirs: Any = importlib.import_module("platformdirs")
        except ModuleNotFoundError:
            raise MissingExtraError("pool", "platformdirs", "keeping the last good copy") from None
        return cls(Path(platformdirs.user_state_dir("holotype", appauthor=False)) / "deployments")

    def write(self, location: str, found: Snapshot, fetched_at: float) -> None:
        """Keep a snapshot; where the disk refuses, this is logged and nothing else happens."""
        data = {
            "location": location,
            "version": found.version,
            "digest": found.digest,
            "fetched_at": fetched_at,
            "documents": [[each.name, each.text] for each in found.documents],
        }
        try:
            # What was encrypted in the store is for nobody else here.
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._write(self._file(location), json.dumps(data).encode())
        except OSError as error:
            _LOG.warning("%s: the last good copy cannot be kept: %s", location, error)

    def read(self, source: DeploymentSource) -> tuple[Snapshot, float] | None:
        """Return the last good copy and its time; None if there is none, or if it is damaged."""
        file = self._file(source.location)
        allow_code = bool(getattr(source, "allow_code", False))
        try:
            data = json.loads(file.read_bytes())
            documents = [
                Document(name=str(name), text=str(text), allow_code=allow_code)
                for name, text in data["documents"]
            ]
            kept = snapshot(documents, str(data["version"]))
            is_whole = kept.digest == data["digest"] and data["location"] == source.location
            fetched_at = float(data["fetched_at"])
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError) as error:
            _LOG.warning("%s: the last good copy is damaged: %s", file, error)
            return None
        if not is_whole:
            _LOG.warning("%s: the last good copy is damaged: another digest", file)
            return None
        return kept, fetched_at

    def _file(self, location: str) -> Path:
        return self._folder / f"{hashlib.sha256(location.encode()).hexdigest()[:32]}.json"
