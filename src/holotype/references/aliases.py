"""Reads the aliases of a store of artifacts: the artifact behind `local:artifacts@production`.

An alias is one file that holds its whole history; the last change names the current artifact.
Writers replace the file in one step, so readers need no lock.
"""

from __future__ import annotations

import io
import json
import shlex
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, TypeAlias, cast

from holotype.errors import AliasNotFoundError, ArtifactError, ManifestError, UnsafePathError
from holotype.references.manifest import read_manifest
from holotype.references.paths import check_path, open_file
from holotype.references.ref import is_alias

Action: TypeAlias = Literal["set", "rollback"]

ALIASES_FOLDER = ".aliases"
LONGEST_REASON = 500

_FORMAT_VERSION = 1
_LARGEST_FILE_BYTES = 4_000_000
_encoded = json.JSONEncoder(ensure_ascii=False).encode
_KEYS = frozenset({"action", "artifact", "digest", "fingerprint", "time", "reason"})


@dataclass(frozen=True, slots=True, kw_only=True)
class AliasChange:
    """One switch of an alias.

    Attributes:
        action: ``set`` to a named artifact, or ``rollback`` to the previous one.
        artifact: the artifact's folder in the store.
        digest: the digest of its manifest; a replaced folder of the same name has another one.
        fingerprint: the fingerprint of its vectors; None if it makes none.
        time: the time in UTC, to the second.
        reason: the reason that the user gave; can be empty.
    """

    action: Action
    artifact: str
    digest: str
    fingerprint: str | None
    time: datetime
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AliasHistory:
    """An alias and its history.

    Attributes:
        alias: its name.
        changes: every switch, oldest first; never empty.
    """

    alias: str
    changes: tuple[AliasChange, ...]

    @property
    def current(self) -> AliasChange:
        """The current artifact."""
        return self.changes[-1]

    @property
    def previous(self) -> AliasChange | None:
        """The target of a rollback; None if there is none.

        Each rollback goes one step further back, and never returns to a state rolled back.
        """
        stack: list[AliasChange] = []
        for change in self.changes:
            if change.action == "rollback":
                stack[-2:] = []
            stack.append(change)
        return stack[-2] if len(stack) > 1 else None

    def to_json(self) -> str:
        """Return the text of the alias's file."""
        # One line per change is readable and fast to write.
        changes = ",\n".join(
            _encoded(
                {
                    "action": change.action,
                    "artifact": change.artifact,
                    "digest": change.digest,
                    "fingerprint": change.fingerprint,
                    "time": change.time.astimezone(UTC).isoformat().replace("+00:00", "Z"),
                    "reason": change.reason,
                }
            )
            for change in self.changes
        )
        head = f'{{"format": {_FORMAT_VERSION}, "alias": {_encoded(self.alias)}, "changes": [\n'
        return f"{head}{changes}\n]}}\n"


def resolve_alias(store: Path, alias: str) -> Path:
    """Return the folder of the artifact that an alias points to.

    Raises:
        AliasNotFoundError: the store has no such alias.
        ArtifactNotFoundError: the artifact is gone.
        ArtifactError: another artifact has replaced it, or a name is unsafe.
    """
    change = read_alias(store, alias).current
    folder = artifact_folder(store, change.artifact)
    found = read_manifest(folder).digest
    if found != change.digest:
        raise ArtifactError(
            str(folder),
            f"is another artifact than the one that {alias!r} was set to: {found[:19]}..., "
            f"expected {change.digest[:19]}...; set the alias anew, or bring the folder back",
        )
    return folder


def read_alias(store: Path, alias: str) -> AliasHistory:
    """Return an alias with its history.

    Raises:
        AliasNotFoundError: the store has no such alias.
        ManifestError: its file is damaged.
        UnsafePathError: its name is unsafe.
    """
    path = alias_file(store, alias)
    try:
        with io.BufferedReader(open_file(path)) as file:
            text = file.read(_LARGEST_FILE_BYTES + 1)
    except (FileNotFoundError, NotADirectoryError):
        raise unknown_alias(store, alias) from None
    except OSError as error:
        raise ManifestError(str(path), f"cannot be read: {error.strerror or error}") from error
    return _parse(text, alias, str(path))


def unknown_alias(store: Path, alias: str) -> AliasNotFoundError:
    """Return the error for a missing alias."""
    names = alias_names(store)
    others = f"only {', '.join(names)}" if names else "nor any other"
    problem = (
        f"has no alias {alias!r}, {others}; set it with: holotype alias set {alias} "
        f"ARTIFACT --store {shlex.quote(str(store))}"
    )
    folder = Path(f"{store}@{alias}")
    if folder.is_dir():
        problem += (
            f". For the folder {str(folder)!r}, end the reference with a slash: local:{folder}/"
        )
    return AliasNotFoundError(str(store), problem)


def alias_names(store: Path) -> tuple[str, ...]:
    """Return the sorted names of a store's aliases; empty if it has none."""
    try:
        found = [path.stem for path in (store / ALIASES_FOLDER).iterdir() if path.suffix == ".json"]
    except (FileNotFoundError, NotADirectoryError):
        return ()
    return tuple(sorted(name for name in found if is_alias(name)))


def alias_file(store: Path, alias: str) -> Path:
    """Return the path of an alias's file.

    Raises:
        UnsafePathError: the name is invalid, or the aliases are behind a link.
    """
    if not is_alias(alias):
        raise UnsafePathError(
            str(store),
            alias,
            "is no alias: it has up to 64 letters, digits, dots, dashes and underscores",
        )
    check_path(alias, str(store))
    folder = store / ALIASES_FOLDER
    if folder.is_symlink():
        raise UnsafePathError(str(store), ALIASES_FOLDER, "is a link; expected a folder")
    return folder / f"{alias}.json"


def artifact_folder(store: Path, artifact: str) -> Path:
    """Return the folder of an artifact inside a store.

    Raises:
        UnsafePathError: the name leads out of the store, or names a link.
    """
    if "/" in artifact.rstrip("/"):
        raise UnsafePathError(
            str(store), artifact, "is no name of a folder in the store; leave the store out of it"
        )
    if artifact.startswith("."):
        raise UnsafePathError(str(store), artifact, "begins with a dot, as no artifact's name does")
    folder = store / check_path(artifact, str(store))
    if folder.is_symlink():
        raise UnsafePathError(str(store), artifact, "is a link; expected a folder of the store")
    return folder


def _parse(text: bytes, alias: str, location: str) -> AliasHistory:
    if len(text) > _LARGEST_FILE_BYTES:
        raise ManifestError(location, f"is larger than {_LARGEST_FILE_BYTES} bytes")
    try:
        values = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ManifestError(location, f"is not JSON ({type(error).__name__})") from None
    if not isinstance(values, dict) or set(values) != {"format", "alias", "changes"}:
        raise ManifestError(location, "is no alias: expected format, alias and changes")
    if values["format"] != _FORMAT_VERSION:
        raise ManifestError(location, f"has the format {str(values['format'])[:40]!r}")
    if values["alias"] != alias:
        # On a case-insensitive file system, two names can be one file.
        raise ManifestError(location, f"is the alias {str(values['alias'])[:80]!r}, not {alias!r}")
    changes = values["changes"]
    if not isinstance(changes, list) or not changes:
        raise ManifestError(location, "lists no changes")
    return AliasHistory(alias=alias, changes=tuple(_change(item, location) for item in changes))


def _change(item: Any, location: str) -> AliasChange:
    if not isinstance(item, dict) or set(item) != _KEYS:
        raise ManifestError(location, f"has a change without {', '.join(sorted(_KEYS))}")
    if item["action"] not in ("set", "rollback"):
        raise ManifestError(location, f"has the action {str(item['action'])[:40]!r}")
    fingerprint = item["fingerprint"]
    texts = (item["artifact"], item["digest"], item["reason"])
    if not all(isinstance(text, str) for text in texts) or not isinstance(fingerprint, str | None):
        raise ManifestError(location, "has a change whose values are no texts")
    try:
        # strptime takes ten times as long, which matters for hundreds of changes.
        time = datetime.fromisoformat(item["time"])
    except (TypeError, ValueError):
        raise ManifestError(location, f"has the time {str(item['time'])[:40]!r}") from None
    if time.tzinfo is None:
        raise ManifestError(location, f"has the time {str(item['time'])[:40]!r}, of no zone")
    return AliasChange(
        action=cast(Action, item["action"]),
        artifact=item["artifact"],
        digest=item["digest"],
        fingerprint=fingerprint,
        time=time,
        reason=item["reason"],
    )
