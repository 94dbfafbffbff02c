"""Loads deployments from where they are kept, or from the last good copy where a store fails."""

from __future__ import annotations

import logging
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from holotype.catalogue import Catalogue
from holotype.deployment.document import Deployment
from holotype.deployment.files import FileSource
from holotype.deployment.last_good import LastGood
from holotype.deployment.problems import DeploymentError
from holotype.deployment.reading import read_documents
from holotype.deployment.snapshots import (
    DeploymentSource,
    DeploymentSourceError,
    Snapshot,
)
from holotype.deployment.ssm import open_ssm
from holotype.errors import HolotypeError

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


def open_source(
    location: str | os.PathLike[str], *, allow_code: bool | None = None
) -> DeploymentSource:
    """Return the source that a location names, without looking whether it is there.

    Args:
        location: a file, a folder, ``ssm:/NAME``, ``ssm:/NAME:VERSION``, or ``ssm:/PATH/`` for
            every parameter directly under a path.
        allow_code: whether the deployment may name code to run; None allows it in files only, since
            whoever may write to a store could otherwise run theirs.

    Raises:
        DeploymentSourceError: the location is malformed.
    """
    text = os.fspath(location)
    if isinstance(location, str) and text.startswith("ssm:"):
        return open_ssm(text, allow_code=bool(allow_code))
    path = Path(text.removeprefix("file:")).expanduser()
    return FileSource(path, allow_code=allow_code is not False)


def load_deployment(
    location: str | os.PathLike[str],
    *,
    allow_code: bool | None = None,
    last_good: LastGood | None = None,
    catalogue: Catalogue[Any] | None = None,
) -> Loaded:
    """Load a deployment from a file, a folder of files, or parameters of AWS.

    Args:
        location: see `open_source`.
        allow_code: see `open_source`.
        last_good: where to keep the last good copy of a deployment from a store, to serve when the
            store fails; None keeps none. Files have none: they are here, or they are wrong.
        catalogue: see `read_documents`.

    Raises:
        DeploymentError: it has problems, and there is no last good copy.
        DeploymentSourceError: it cannot be had, and there is no last good copy.
        MissingExtraError: a package is not installed.
    """
    source = open_source(location, allow_code=allow_code)
    try:
        return take(source.location, source.fetch(), keep_in(source, last_good), catalogue)
    except (DeploymentError, DeploymentSourceError) as error:
        kept = None if source.folder is not None or last_good is None else last_good.read(source)
        if kept is None:
            raise
        _LOG.warning("%s: serving the last good copy: %s", source.location, error)
        return _loaded(source.location, *kept, catalogue, failure=error)


def keep_in(source: DeploymentSource, last_good: LastGood | None) -> LastGood | None:
    """Return where good copies of a source are kept; of files there are none."""
    return None if source.folder is not None else last_good


def take(
    location: str,
    found: Snapshot,
    last_good: LastGood | None = None,
    catalogue: Catalogue[Any] | None = None,
) -> Loaded:
    """Read a snapshot with a catalogue (see `read_documents`) and, if it is good, keep it.

    Raises:
        DeploymentError: it has problems.
    """
    loaded = _loaded(location, found, time.time(), catalogue)
    if last_good is not None:
        last_good.write(location, found, loaded.fetched_at)
    return loaded


def _loaded(
    location: str,
    found: Snapshot,
    fetched_at: float,
    catalogue: Catalogue[Any] | None,
    failure: HolotypeError | None = None,
) -> Loaded:
    reading = read_documents(found.documents, catalogue=catalogue)
    return Loaded(
        deployment=reading.deployment,
        location=location,
        version=found.version,
        digest=found.digest,
        fetched_at=fetched_at,
        failure=failure,
        older=reading.older,
    )
