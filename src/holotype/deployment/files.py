"""Deployments in a file, or in a folder of files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from holotype.deployment.problems import DeploymentError, Report
from holotype.deployment.reading import Document
from holotype.deployment.snapshots import (
    MAX_DOCUMENTS,
    DeploymentSourceError,
    Snapshot,
    snapshot,
)
from holotype.deployment.tree import MAX_BYTES, Node

SUFFIXES = (".yaml", ".yml", ".json")
"""The files of a folder that belong to its deployment."""
_ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class FileSource:
    """A file, or all files of a folder that end with one of `SUFFIXES` and begin with no dot.

    Attributes:
        path: the file or the folder.
        allow_code: whether it may name code to run.
    """

    path: Path
    allow_code: bool = True

    @property
    def location(self) -> str:
        """The path."""
        return str(self.path)

    @property
    def folder(self) -> Path:
        """The folder to watch: that of the file, since a watch on a file dies with it."""
        return self.path if self.path.is_dir() else self.path.parent

    def fetch(self) -> Snapshot:
        """Return the texts, all of one moment.

        Raises:
            DeploymentSourceError: there is no such file, or it cannot be read.
            DeploymentError: a file is not UTF-8, or too large.
        """
        for _ in range(_ATTEMPTS):
            try:
                before = self._state()
                documents = [self._read(path) for path in before]
                if self._state() == before:
                    return snapshot(documents)
            except FileNotFoundError as error:
                if not self.path.exists():
                    raise DeploymentSourceError(
                        self.location,
                        "does not exist; write the path of a deployment, or of a folder with some",
                    ) from error
            except OSError as error:
                raise DeploymentSourceError(
                    self.location, f"cannot be read: {error.strerror}"
                ) from error
        raise DeploymentSourceError(
            self.location, "changes all the time; look again when it is at rest"
        )

    def _state(self) -> dict[Path, tuple[int, int, int]]:
        """Return what tells a change of the files, by file."""
        paths = self._paths() if self.path.is_dir() else [self.path]
        found = {}
        for path in paths:
            status = path.stat()
            found[path] = (status.st_ino, status.st_size, status.st_mtime_ns)
        return found

    def _paths(self) -> list[Path]:
        paths = sorted(
            path
            for path in self.path.iterdir()
            if path.suffix in SUFFIXES and not path.name.startswith(".") and path.is_file()
        )
        if not paths:
            raise DeploymentSourceError(
                self.location, f"has no file that ends with {', '.join(SUFFIXES)}; write one"
            )
        if len(paths) > MAX_DOCUMENTS:
            raise DeploymentSourceError(
                self.location, f"has {len(paths):,} files, more than {MAX_DOCUMENTS:,}; join some"
            )
        return paths

    def _read(self, path: Path) -> Document:
        if not path.is_file():
            raise DeploymentSourceError(str(path), "is no file; write the path of a deployment")
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
        return Document(
            name=str(path),
            text=decode(data, str(path)),
            folder=str(path.parent),
            allow_code=self.allow_code,
        )


def decode(data: bytes, name: str) -> str:
    """Return the text of a file.

    Raises:
        DeploymentError: it is not UTF-8; the error names the line of the first other byte.
    """
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if error.start >= MAX_BYTES - 3:
            return data.decode("utf-8", "replace")
        before = data[: error.start].decode("utf-8", "replace")
        line, column = before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1
        report = Report()
        report.add(
            Node(name, line, column),
            f"the byte 0x{data[error.start]:02x} is not UTF-8",
            "expected a text in UTF-8",
            "save the file as UTF-8",
            rule="file",
        )
        raise DeploymentError(report.problems) from None
