"""Aliases of a store of artifacts, read: what `local:artifacts@production` stands for.

An alias is one file that holds its whole history; the last change is what it stands for. Writers
replace the file in one step, so that readers need no lock.
"""

from __future__ import annotations

import io
import json
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
        action: ``set`` to an artifact that was named, or ``rollback`` to the one before.
        artifact: the artifact's folder in the store.
        digest: the digest of its manifest, so that another folder of this name does not pass.
        fingerprint: what its vectors have in common with others'; None where it makes none.
        time: when, UTC, to the second.
        reason: why, in the words of whoever did it; perhaps empty.
    """

    action: Action
    artifact: str
    digest: str
    fingerprint: str | None
    time: datetime
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AliasHistory:
    """An alias and all that it stood for.

    Attributes:
        alias: its name.
        changes: every switch, the oldest first; never empty.
    """

    alias: str
    changes: tuple[AliasChange, ...]

    @property
    def current(self) -> AliasChange:
        """What the alias stands for."""
        return self.changes[-1]

    @property
    def previous(self) -> AliasChange | None:
        """What a rollback leads to; None where there is nothing before.

        Each rollback goes one step further back, and never forward to what was left.
        """
        stack: list[AliasChange] = []
        for change in self.changes:
            if change.action == "rollback":
                stack[-2:] = []
            stack.append(change)
        return stack[-2] if len(stack) > 1 else None

    def to_json(self) -> str:
        """Return the text of the alias's file."""
        # A line for each change: the file reads well, and is written fast.
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
    """Return the folder of the artifact that an alias stands for.

    Raises:
        AliasNotFoundError: the store has no such alias.
        ArtifactNotFoundError: the artifact is gone.
        ArtifactError: another artifact has taken its folder, or a name is unsafe.
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
        ManifestError: its file is damaged; UnsafePathError where its name is unsafe.
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
    """Return the error for an alias that a store does not have."""
    known = ", ".join(alias_names(store)) or "none at all"
    return AliasNotFoundError(
        str(store),
        f"has no alias {alias!r}, but {known}; set it with: holotype alias set {alias} "
        f"ARTIFACT --store {store}",
    )


def alias_names(store: Path) -> tuple[str, ...]:
    """Return the names of a store's aliases, in order; none where the store has none."""
    try:
        found = [path.stem for path in (store / ALIASES_FOLDER).iterdir() if path.suffix == ".json"]
    except (FileNotFoundError, NotADirectoryError):
        return ()
    return tuple(sorted(name for name in found if is_alias(name)))


def alias_file(store: Path, alias: str) -> Path:
    """Return where an alias is kept.

    Raises:
        UnsafePathError: the name is none, or the aliases lie behind a link.
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
    """Return the folder of an artifact that lies in a store, and nowhere else.

    Raises:
        UnsafePathError: the name leads out of the store, or is that of a link.
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
        raise ManifestError(location, f"is no JSON ({type(error).__name__})") from None
    if not isinstance(values, dict) or set(values) != {"format", "alias", "changes"}:
        raise ManifestError(location, "is no alias: expected format, alias and changes")
    if values["format"] != _FORMAT_VERSION:
        raise ManifestError(location, f"has the format {str(values['format'])[:40]!r}")
    if values["alias"] != alias:
        # Where letter case does not count, two names are one file.
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
        # strptime takes ten times as long, which counts where there are hundreds.
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
