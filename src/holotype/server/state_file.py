"""What a server knew last, in a file: it starts from that while its database is away."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from threading import Lock
from typing import Any

from holotype.atomic_file import replace_file
from holotype.errors import HolotypeError
from holotype.references.cache import cache_folder
from holotype.registry.versions import ModelVersion
from holotype.server.keys import Caller

_log = logging.getLogger("holotype.server")


@dataclass(frozen=True, slots=True, kw_only=True)
class LastKnown:
    """What a server knew.

    Attributes:
        versions: the active version of each kind.
        callers: who may call, by the digest of the key.
        keyless: whether there was no key at all.
    """

    versions: Mapping[str, ModelVersion]
    callers: Mapping[bytes, Caller]
    keyless: bool


class StateFile:
    """The last known state of a server. Safe to share between threads.

    Attributes:
        path: the file; it holds digests of keys, and no key.
    """

    def __init__(self, path: Path) -> None:
        """Read nothing yet."""
        self.path = path
        self._lock = Lock()
        self._problem = ""
        self._values: dict[str, Any] = {"versions": {}, "keys": {}, "keyless": False}
        # What an earlier server wrote may be something else, and so may what could not be written.
        self._is_written = False

    @classmethod
    def for_database(cls, location: str) -> StateFile:
        """Return the file in the user's cache that belongs to a database."""
        name = sha256(location.encode()).hexdigest()[:16]
        return cls(cache_folder() / "servers" / f"{name}.json")

    def read(self) -> LastKnown | None:
        """Return what was known last.

        Returns:
            None if there is no file.

        Raises:
            HolotypeError: the file is damaged.
        """
        try:
            found: dict[str, Any] = json.loads(self.path.read_bytes())
            known = LastKnown(
                versions={kind: _version(each) for kind, each in found["versions"].items()},
                callers={bytes.fromhex(one): _caller(each) for one, each in found["keys"].items()},
                keyless=bool(found["keyless"]),
            )
        except FileNotFoundError:
            return None
        except (OSError, AttributeError, KeyError, TypeError, ValueError, RecursionError) as error:
            raise HolotypeError(
                f"{self.path}: is not what a server of this version writes ({error}); delete it"
            ) from error
        with self._lock:
            self._values, self._is_written = found, True
        return known

    def keep_versions(self, versions: Mapping[str, ModelVersion]) -> None:
        """Write the active versions down; what cannot be written is told in the log."""
        self._write(versions={kind: _version_data(each) for kind, each in versions.items()})

    def keep_keys(self, callers: Mapping[bytes, Caller], keyless: bool) -> None:
        """Write down who may call, and whether there is no key at all."""
        keys = {digest.hex(): _caller_data(each) for digest, each in callers.items()}
        self._write(keys=keys, keyless=keyless)

    def _write(self, **values: Any) -> None:
        with self._lock:
            before, self._values = self._values, {**self._values, **values}
            if self._is_written and self._values == before:
                return
            self._is_written = False
            try:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                replace_file(self.path, json.dumps(self._values, indent=2).encode())
            except OSError as error:
                if str(error) != self._problem:
                    _log.warning("%s: cannot be written: %s", self.path, error)
                self._problem = str(error)
            else:
                self._is_written, self._problem = True, ""


def _version_data(version: ModelVersion) -> dict[str, Any]:
    values = {each.name: getattr(version, each.name) for each in fields(version)}
    values["inference_config"] = dict(values["inference_config"])
    values["created_at"] = version.created_at.isoformat()
    return values


def _version(values: Mapping[str, Any]) -> ModelVersion:
    return ModelVersion(**{**values, "created_at": datetime.fromisoformat(values["created_at"])})


def _caller_data(caller: Caller) -> dict[str, Any]:
    ends = None if caller.expires_at is None else caller.expires_at.isoformat()
    return {
        "id": caller.id,
        "name": caller.name,
        "scopes": sorted(caller.scopes),
        "expires_at": ends,
    }


def _caller(values: Mapping[str, Any]) -> Caller:
    ends = values["expires_at"]
    return Caller(
        id=values["id"],
        name=values["name"],
        scopes=frozenset(values["scopes"]),
        expires_at=None if ends is None else datetime.fromisoformat(ends),
    )
