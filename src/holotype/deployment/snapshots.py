"""What a source of deployments has at one moment, and why it may have nothing."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from holotype.deployment.reading import Document
from holotype.errors import LocatedError

MAX_DOCUMENTS = 1_000
"""The most files in a folder, and the most parameters under a path."""


class DeploymentSourceError(LocatedError):
    """A deployment cannot be had: it is missing, too large, or its store does not answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """What a source had at one moment.

    Attributes:
        documents: the texts, in the order of their names.
        version: the version that the source itself gives them, such as ``7``; of files, the digest.
        digest: the SHA-256 of names and texts; equal digests are equal deployments.
    """

    documents: tuple[Document, ...]
    version: str
    digest: str


class DeploymentSource(Protocol):
    """A place that has a deployment."""

    @property
    def location(self) -> str:
        """The place, as messages show it."""
        ...

    @property
    def folder(self) -> Path | None:
        """The folder to watch for changes; None if there is none, so that it must be polled."""
        ...

    def fetch(self) -> Snapshot:
        """Return what is there now.

        Raises:
            DeploymentSourceError: it cannot be had.
            DeploymentError: it is no text.
        """
        ...


def snapshot(documents: Iterable[Document], version: str | None = None) -> Snapshot:
    """Return the snapshot of some documents; without a version of their own it is their digest."""
    listed = tuple(documents)
    text = json.dumps([(each.name, each.text) for each in listed])
    digest = f"sha256:{hashlib.sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()}"
    return Snapshot(documents=listed, version=version or digest, digest=digest)
