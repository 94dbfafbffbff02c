"""Switches aliases of a store of artifacts, each in one atomic rename.

Writers take turns through an operating-system lock that ends with the process that holds it.
Readers need no lock: see `holotype.references.aliases`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from holotype.atomic_file import replace_file
from holotype.encoders.artifact import Verify, open_artifact
from holotype.encoders.earlier_fingerprint import has_fingerprint
from holotype.encoders.opening import check_loadable, plan_of_artifact
from holotype.errors import (
    AliasNotFoundError,
    ArtifactError,
    DifferentVectorsError,
    HolotypeError,
    UnsafePathError,
)
from holotype.references.aliases import (
    ALIASES_FOLDER,
    LONGEST_REASON,
    Action,
    AliasChange,
    AliasHistory,
    alias_file,
    alias_names,
    artifact_folder,
    read_alias,
    unknown_alias,
)
from holotype.references.locks import exclusive
from holotype.references.manifest import Manifest

PATIENCE_S = 10.0
"""How long to wait for another writer; a write takes milliseconds."""

_MOST_CHANGES = 300


def set_alias(
    store: Path,
    alias: str,
    artifact: str,
    *,
    reason: str = "",
    allow_different_vectors: bool = False,
    verify: Verify = "full",
    patience_s: float = PATIENCE_S,
) -> AliasHistory:
    """Point an alias to an artifact, creating the alias if needed.

    Nothing is written if it already points to that artifact: the history keeps the first reason.

    Args:
        store: the folder with the artifacts.
        alias: the name, such as ``production``.
        artifact: the name of the artifact's folder in the store.
        reason: the reason, for the history.
        allow_different_vectors: whether the new artifact may make different vectors; you must then
            rebuild the indexes.
        verify: how to check first that the artifact can be loaded: ``"full"`` compares every byte
            with the manifest, and asks torch, where it is installed, whether each tensor is there;
            ``"sizes"`` compares names and sizes, and reads the headers of the weights and the
            tokenizer, and so does not notice other weights of the same size, which `load` refuses.
        patience_s: how long to wait for another writer, in seconds.

    Returns:
        The alias with its history.

    Raises:
        DifferentVectorsError: the vectors would change, and `allow_different_vectors` is False.
        StoreBusyError: another writer does not finish.
        UnsafePathError: a name leads out of the store.
        ArtifactError: the artifact is missing or damaged, or the store is not writable.
        CheckpointError: the artifact lacks something that `load` needs.
        MissingExtraError: filelock is not installed.
    """
    return point_alias(
        store,
        alias,
        artifact,
        reason=reason,
        allow_different_vectors=allow_different_vectors,
        verify=verify,
        patience_s=patience_s,
    ).history


class Pointed(NamedTuple):
    """What has become of the wish to point an alias to an artifact.

    Attributes:
        history: the alias with its history.
        is_switched: False if the alias pointed to that artifact already, so that nothing, and no
            reason, was written.
    """

    history: AliasHistory
    is_switched: bool


def point_alias(
    store: Path,
    alias: str,
    artifact: str,
    *,
    reason: str,
    allow_different_vectors: bool,
    verify: Verify,
    patience_s: float = PATIENCE_S,
) -> Pointed:
    """Do what `set_alias` does, with its arguments and errors, and say whether that was a switch."""
    _check_reason(store, reason)
    alias_file(store, alias)
    folder = artifact_folder(store, artifact)
    manifest = open_artifact(folder, verify=verify)
    check_loadable(folder, manifest, verify=verify)
    with _sole_writer(store, patience_s):
        _refuse_near_twin(store, alias)
        history = read_alias(store, alias) if alias in alias_names(store) else None
        if history is not None:
            current = history.current
            if (current.artifact, current.digest) == (folder.name, manifest.digest):
                return Pointed(history, is_switched=False)
            _check_vectors(store, alias, current, folder, manifest, allow_different_vectors)
        change = _change("set", folder.name, manifest.digest, manifest.fingerprint, reason)
        return Pointed(_append_change(store, alias, history, change), is_switched=True)


def rollback_alias(
    store: Path,
    alias: str,
    *,
    reason: str = "",
    allow_different_vectors: bool = False,
    verify: Verify = "full",
    patience_s: float = PATIENCE_S,
) -> AliasHistory:
    """Point an alias to its previous artifact; each rollback goes one step further back.

    Args:
        store: see `set_alias`.
        alias: see `set_alias`.
        reason: see `set_alias`.
        allow_different_vectors: see `set_alias`.
        verify: ``"full"`` compares every byte with the manifest, ``"sizes"`` names and sizes.
        patience_s: see `set_alias`.

    Returns:
        The alias with its history.

    Raises:
        AliasNotFoundError: there is no such alias, or no previous artifact.
        DifferentVectorsError: the vectors would change, and `allow_different_vectors` is False.
        StoreBusyError: another writer does not finish.
        ArtifactError: the artifact is missing, replaced or damaged.
        MissingExtraError: filelock is not installed.
    """
    _check_reason(store, reason)
    if not alias_file(store, alias).exists():
        raise unknown_alias(store, alias)
    # Nobody waits for the lock while bytes are read: under it, they are known.
    open_artifact(artifact_folder(store, _previous(store, alias)[1].artifact), verify=verify)
    with _sole_writer(store, patience_s):
        history, previous = _previous(store, alias)
        folder = artifact_folder(store, previous.artifact)
        manifest = open_artifact(folder, verify=verify)
        if manifest.digest != previous.digest:
            raise ArtifactError(
                str(folder),
                f"is another artifact than the one that {alias!r} stood for: "
                f"{manifest.digest[:19]}..., expected {previous.digest[:19]}...; name what you "
                f"want with: holotype alias set {alias} ARTIFACT",
            )
        _check_vectors(store, alias, history.current, folder, manifest, allow_different_vectors)
        change = _change(
            "rollback", previous.artifact, manifest.digest, manifest.fingerprint, reason
        )
        return _append_change(store, alias, history, change)


def _previous(store: Path, alias: str) -> tuple[AliasHistory, AliasChange]:
    """Return an alias, and what a rollback would point it to."""
    history = read_alias(store, alias)
    previous = history.previous
    if previous is None:
        raise AliasNotFoundError(
            str(store), f"the alias {alias!r} stood for nothing before; set it to an artifact"
        )
    return history, previous


def _change(
    action: Action, artifact: str, digest: str, fingerprint: str | None, reason: str
) -> AliasChange:
    return AliasChange(
        action=action,
        artifact=artifact,
        digest=digest,
        fingerprint=fingerprint,
        time=datetime.now(UTC).replace(microsecond=0),
        reason=reason,
    )


def _check_reason(store: Path, reason: str) -> None:
    if len(reason) > LONGEST_REASON or not reason.isprintable():
        raise ArtifactError(
            str(store),
            f"a reason is one line of up to {LONGEST_REASON} characters; this one has "
            f"{len(reason)}, or characters that do not show",
        )


def _check_vectors(
    store: Path,
    alias: str,
    current: AliasChange,
    folder: Path,
    manifest: Manifest,
    allowed: bool,
) -> None:
    if allowed or current.fingerprint == manifest.fingerprint:
        return
    if not _has_fingerprint(folder, manifest, current.fingerprint):
        ref = f"local:{store}@{alias}"
        raise DifferentVectorsError(ref, current.fingerprint, manifest.fingerprint)


def _has_fingerprint(folder: Path, manifest: Manifest, stated: str | None) -> bool:
    """Whether two fingerprints that differ are of one artifact, in the forms of two versions."""
    if stated is None or manifest.fingerprint is None:
        return False
    dim = manifest.record.embedding_dim
    try:
        plan = plan_of_artifact(folder, manifest)
        with_code = plan.checkpoint.policy == "run"
        forms = (stated, manifest.fingerprint)
        return all(has_fingerprint(plan, form, dim=dim, with_code=with_code) for form in forms)
    except HolotypeError:
        # Of what cannot be planned, the fingerprints alone can be compared.
        return False


def _refuse_near_twin(store: Path, alias: str) -> None:
    for name in alias_names(store):
        if name != alias and name.casefold() == alias.casefold():
            raise UnsafePathError(str(store), alias, f"is the same as {name!r} on some systems")


@contextmanager
def _sole_writer(store: Path, patience_s: float) -> Iterator[None]:
    """Hold the store's lock; the system releases it when the process ends."""
    folder = store / ALIASES_FOLDER
    busy = f"another process has held its aliases for {patience_s:g} s; try again"
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise _unwritable(folder, error) from error
    with exclusive(folder / ".lock", busy=busy, patience_s=patience_s):
        yield


def _append_change(
    store: Path, alias: str, history: AliasHistory | None, change: AliasChange
) -> AliasHistory:
    """Replace the alias's file in one step; the caller holds the lock."""
    earlier = () if history is None else history.changes[1 - _MOST_CHANGES :]
    history = AliasHistory(alias=alias, changes=(*earlier, change))
    path = alias_file(store, alias)
    try:
        replace_file(path, history.to_json().encode())
    except OSError as error:
        raise _unwritable(path, error) from error
    return history


def _unwritable(path: Path, error: OSError) -> ArtifactError:
    return ArtifactError(str(path), f"cannot be written: {error.strerror or error}")
