"""Find what changed upstream since the pinned revision."""

from __future__ import annotations

from dataclasses import dataclass

from holotype.errors import CheckpointError, HubUnreachableError, RevisionGoneError
from holotype.hub.adding import statements
from holotype.hub.checkpoint_files import open_repository
from holotype.hub.client import HubClient
from holotype.records import ModelInfo


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A value that differs between two commits; None if a commit does not state it."""

    field: str
    old: object
    new: object
    file: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Upstream:
    """The state of a repository, compared with the pinned commit.

    Attributes:
        id: the entry.
        pinned: the commit of the entry.
        newest: the newest commit; None if it could not be read.
        changed: the time of the newest commit, ISO 8601.
        changes: the values that differ.
        added: files that the pinned commit lacks.
        removed: files that the newest commit lacks.
        error: why the commits could not be compared; None if they could.
    """

    id: str
    pinned: str | None
    newest: str | None = None
    changed: str | None = None
    changes: tuple[Change, ...] = ()
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    error: str | None = None

    @property
    def is_current(self) -> bool:
        """Whether the pinned commit is the newest."""
        return self.error is None and self.newest == self.pinned


def look_upstream(record: ModelInfo, client: HubClient) -> Upstream:
    """Compare the pinned commit of an entry with the newest one.

    Raises:
        HubUnreachableError: the Hub cannot be reached, so no entry can be compared.
    """
    pinned = record.revision
    if not record.is_on_hub:
        problem = "the entry was made of a folder, and has no repository on the Hub to look at"
        return Upstream(id=record.id, pinned=pinned, error=problem)
    try:
        newest = client.repository(record.huggingface_id, None)
        if newest.commit == pinned:
            return Upstream(
                id=record.id, pinned=pinned, newest=newest.commit, changed=newest.changed
            )
    except HubUnreachableError:
        raise
    except CheckpointError as error:
        return Upstream(id=record.id, pinned=pinned, error=str(error))
    found = Upstream(id=record.id, pinned=pinned, newest=newest.commit, changed=newest.changed)
    if pinned is None:
        return found
    try:
        return _compare(record, pinned, found, client)
    except HubUnreachableError:
        raise
    except CheckpointError as error:
        gone = "the pinned commit is gone: " if isinstance(error, RevisionGoneError) else ""
        return Upstream(
            id=record.id,
            pinned=pinned,
            newest=newest.commit,
            changed=newest.changed,
            error=f"{gone}{error}",
        )


def _compare(record: ModelInfo, pinned: str, found: Upstream, client: HubClient) -> Upstream:
    name = record.huggingface_id
    with open_repository(client, name, pinned) as files:
        old, _ = statements(files, name, record.type)
        old_names = files.names
    with open_repository(client, name, found.newest) as files:
        new, _ = statements(files, name, record.type)
        new_names = files.names
    changes = []
    for field in dict.fromkeys((*old, *new)):
        before, after = old.get(field), new.get(field)
        if (before and before.value) != (after and after.value):
            source = after or before
            changes.append(
                Change(
                    field=field,
                    old=before.value if before else None,
                    new=after.value if after else None,
                    file=source.file if source else None,
                )
            )
    return Upstream(
        id=found.id,
        pinned=found.pinned,
        newest=found.newest,
        changed=found.changed,
        changes=tuple(changes),
        added=tuple(sorted(new_names - old_names)),
        removed=tuple(sorted(old_names - new_names)),
    )
