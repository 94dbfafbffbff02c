"""A prefix in an object store, through fsspec: listing, reading and creating objects.

Credentials come from the store's own environment variables (AWS or Google Cloud). They are in no
reference, and are removed from every message.
"""

from __future__ import annotations

import importlib
import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from holotype.errors import ArtifactNotFoundError, MissingExtraError, ObjectStoreError
from holotype.references.manifest import LARGEST_MANIFEST_BYTES, Manifest, parse_manifest
from holotype.references.near_misses import redact
from holotype.references.paths import MANIFEST_FILE
from holotype.references.ref import ModelRef

T = TypeVar("T")

_PACKAGES = {"s3": ("s3fs", "s3"), "gs": ("gcsfs", "gcs"), "memory": ("fsspec", "s3")}
_SECRET_NAME = re.compile(r"SECRET|TOKEN|PASSWORD|CREDENTIAL|ACCESS_KEY", re.IGNORECASE)
_SHORTEST_SECRET = 6


class ObjectFolder:
    """The objects below a prefix, seen as files of a folder."""

    def __init__(self, ref: ModelRef) -> None:
        """Open a prefix without contacting the store.

        Args:
            ref: a reference with the scheme s3, gs or memory.

        Raises:
            MissingExtraError: the package for this kind of store is not installed.
        """
        package, extra = _PACKAGES[ref.scheme]
        try:
            # By name, so type checkers do not read fsspec and everything that it imports.
            core = importlib.import_module("fsspec.core")
            importlib.import_module(package)
        except ModuleNotFoundError as error:
            missing = (error.name or "").partition(".")[0]
            if missing not in ("fsspec", package):
                raise
            raise MissingExtraError(extra, package, f"reading {ref}") from None
        self.location = str(ref)
        options = {} if ref.scheme == "memory" else {"use_listings_cache": False}
        self._system: Any
        self._system, self._root = self._call(
            "", lambda: core.url_to_fs(str(ref), skip_instance_cache=True, **options)
        )

    def manifest(self) -> Manifest:
        """Return the manifest of the artifact at this prefix.

        Raises:
            ArtifactNotFoundError: there is none.
            ManifestError: it is damaged or malicious.
            ObjectStoreError: the store refuses or cannot be reached.
        """
        location = f"{self.location}/{MANIFEST_FILE}"
        # One byte more than allowed shows that there are too many.
        text = self.read(MANIFEST_FILE, 0, LARGEST_MANIFEST_BYTES + 1)
        return parse_manifest(text, location)

    def sizes(self) -> Mapping[str, int]:
        """Return the size of every object in bytes, by path below the prefix.

        Raises:
            ObjectStoreError: the store refuses or cannot be reached.
        """
        try:
            found = self._call("", lambda: self._system.find(self._root, detail=True))
        except ArtifactNotFoundError:
            return {}
        start = f"{self._root}/"
        return {
            path.removeprefix(start): int(about["size"] or 0)
            for path, about in found.items()
            if path.startswith(start)
        }

    def read(self, path: str, start: int, end: int) -> bytes:
        """Return the bytes of an object from `start` to `end`, exclusive.

        Raises:
            ArtifactNotFoundError: there is no such object.
            ObjectStoreError: the store refuses or cannot be reached.
        """
        name = f"{self._root}/{path}"
        content: bytes = self._call(path, lambda: self._system.cat_file(name, start=start, end=end))
        return content[: end - start]

    def create_from(self, path: str, file: Path) -> bool:
        """Create an object from a file, unless it exists.

        Returns:
            False if the object already exists.

        Raises:
            ObjectStoreError: the store refuses or cannot be reached.
        """
        name = f"{self._root}/{path}"
        return self._created(path, lambda: self._system.put_file(str(file), name, mode="create"))

    def create(self, path: str, content: bytes) -> bool:
        """Create an object from a few bytes, unless it exists.

        Returns:
            False if the object already exists.

        Raises:
            ObjectStoreError: the store refuses or cannot be reached.
        """
        name = f"{self._root}/{path}"
        return self._created(path, lambda: self._system.pipe_file(name, content, mode="create"))

    def _created(self, path: str, request: Callable[[], object]) -> bool:
        # The request should fail if the object exists; some stores do not honour that.
        if self._exists(path):
            return False
        try:
            self._call(path, request)
        except _AlreadyThereError:
            return False
        return True

    def _exists(self, path: str) -> bool:
        try:
            found = self._call(path, lambda: self._system.info(f"{self._root}/{path}"))
        except ArtifactNotFoundError:
            return False
        return bool(found["type"] == "file")

    def _call(self, path: str, request: Callable[[], T]) -> T:
        location = f"{self.location}/{path}" if path else self.location
        try:
            return request()
        except FileNotFoundError:
            raise ArtifactNotFoundError(
                location,
                "there is no such object; a push that was interrupted has no manifest, and is "
                "finished by: holotype artifact push",
            ) from None
        except FileExistsError:
            raise _AlreadyThereError(location, "is there already") from None
        except PermissionError as error:
            raise ObjectStoreError(
                location,
                f"the store refuses: {_reason(error)}; check its credentials and their rights",
            ) from None
        # Store clients raise errors of many libraries, which share no other class.
        except Exception as error:
            raise ObjectStoreError(
                location, f"the store cannot be read or written: {_reason(error)}"
            ) from None


class _AlreadyThereError(ObjectStoreError):
    """An object to be created already exists."""


def _reason(error: Exception) -> str:
    """Return the first line of an error, without what may be a secret in it."""
    text = redact((str(error).strip().splitlines() or [""])[0])
    for name, value in os.environ.items():
        if _SECRET_NAME.search(name) and len(value) >= _SHORTEST_SECRET:
            text = text.replace(value, "***")
    return f"{type(error).__name__}: {text[:500]}" if text else type(error).__name__
