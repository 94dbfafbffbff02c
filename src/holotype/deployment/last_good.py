"""The last good copies of deployments from stores, on disk."""

from __future__ import annotations

import hashlib
import importlib
import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

from holotype.atomic_file import replace_file
from holotype.deployment.reading import Document
from holotype.deployment.snapshots import DeploymentSource, Snapshot, snapshot
from holotype.errors import MissingExtraError

_LOG = logging.getLogger(__name__)


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
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
            _LOG.warning("%s: the last good copy is damaged: %s", file, error)
            return None
        if not is_whole:
            _LOG.warning("%s: the last good copy is damaged: another digest", file)
            return None
        return kept, fetched_at

    def _file(self, location: str) -> Path:
        return self._folder / f"{hashlib.sha256(location.encode()).hexdigest()[:32]}.json"
