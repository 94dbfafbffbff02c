"""From a reference to what never changes: a commit, digests, and the fingerprint of the vectors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from holotype.catalogue import Catalogue
from holotype.encoders.checkpoints.checkpoint import Checkpoint, CodePolicy
from holotype.encoders.checkpoints.remote_code import code_policy
from holotype.encoders.config import ModelConfig, check_options, configure
from holotype.encoders.fingerprint import fingerprint
from holotype.encoders.kinds.plan import ClassifierPlan
from holotype.encoders.kinds.run_plan import make_run_plan
from holotype.encoders.names import as_reference, described_in, reference_to_folder
from holotype.encoders.opening import check_loadable, known_record
from holotype.errors import ArtifactError, InvalidArgumentError
from holotype.publishing.locking import fetch_locked, lock_model
from holotype.records import ModelInfo
from holotype.references.cache import cached_artifact
from holotype.references.folders import find_folder
from holotype.references.lock_file import LockedModel
from holotype.references.manifest import Manifest, read_manifest
from holotype.references.ref import ModelRef
from holotype.registry.versions import WITH_VECTORS, ModelVersion

if TYPE_CHECKING:
    from holotype.encoders.encoder import LoadedRecord

_OF_THE_MACHINE = ("device", "checkpoint")


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolvedModel:
    """What a reference means now.

    Attributes:
        reference: a reference whose target does not change.
        record: the record of the model.
        source_repo: see `ModelVersion`.
        checkpoint_hash: see `ModelVersion`.
        fingerprint: see `ModelVersion`.
        embedding_dim: see `ModelVersion`.
    """

    reference: ModelRef
    record: ModelInfo
    source_repo: str
    checkpoint_hash: str
    fingerprint: str | None
    embedding_dim: int | None


def resolve_model(
    reference: str | ModelRef | ModelInfo | Path,
    options: Mapping[str, Any],
    catalogue: Catalogue[Any] | None = None,
) -> ResolvedModel:
    """Find out what a reference means now, and read every byte of it.

    What is not on this machine is downloaded into the cache.

    Args:
        reference: a reference, a record of any catalogue, an id, or the path of an artifact.
        options: options of `load` that belong to the version.
        catalogue: the catalogue that ids are looked up in before holotype's own.

    Raises:
        InvalidArgumentError: an option is unknown, wrong, or one of a machine, such as ``device``.
        ArtifactError: there is no such artifact, it is damaged, or a folder is none.
        CheckpointError: a repository is damaged or unavailable.
        CatalogueMismatchError: the record and the files disagree.
        HolotypeError: the model could not be loaded; see `load`.
    """
    _refuse_options_of_the_machine(options)
    # What is misspelt is refused before anything is fetched; sizes are those of the record.
    check_options(**{name: value for name, value in options.items() if name != "dim"})
    ref = as_reference(reference, catalogue)
    if ref.scheme == "local":
        # An alias can be switched in the next moment, and the current folder be another one.
        ref = reference_to_folder(str(find_folder(ref).absolute()))
    locked = lock_model(ref)
    on_hub = ref.scheme in ("hf", "catalogue")
    folder = cached_artifact(locked.digest) if on_hub else find_folder(ref)
    manifest = read_manifest(folder)
    if manifest.digest != locked.digest:
        raise ArtifactError(str(folder), "was replaced while it was read; register it again")
    record = manifest.record
    placed: dict[str, Any] = {**options, "checkpoint": folder}
    config = configure(record, **placed)
    check_loadable(folder, manifest, verify="sizes")
    decides = _fingerprint(config, manifest, folder)
    vectors = str(record.type) in WITH_VECTORS
    return ResolvedModel(
        reference=_pinned(ref, manifest),
        record=record,
        source_repo=record.huggingface_id if record.is_on_hub else str(manifest.reference),
        checkpoint_hash=locked.digest.removeprefix("sha256:"),
        fingerprint=decides if vectors else None,
        embedding_dim=config.dim if vectors else None,
    )


def fetch_version(version: ModelVersion, catalogue: Catalogue[Any] | None = None) -> Path:
    """Return the folder of a version on this machine, fetched if needed; every byte is compared.

    A switch asks for them again and again: what was read a moment ago is not read again; see
    `holotype.references.hashing`.

    Args:
        version: the version.
        catalogue: the catalogue that has the entry it was registered as, if it is not holotype's
            own; only what is not on this machine needs it.

    Raises:
        LockMismatchError: the files behind its reference are others now.
        ArtifactError: they are damaged or unavailable.
        CheckpointError: a repository is damaged or unavailable.
    """
    ref = described_in(ModelRef.parse(version.reference), catalogue)
    locked = LockedModel(
        reference=ref,
        commit=ref.revision,
        digest=f"sha256:{version.checkpoint_hash}",
        fingerprint=version.fingerprint,
        files=(),
    )
    return fetch_locked(locked)


def load_version(
    version: ModelVersion, *, device: str | None = None, catalogue: Catalogue[Any] | None = None
) -> LoadedRecord[Any, Any]:
    """Load a version with its own options; see `fetch_version` and `load` for the errors.

    Args:
        version: the version.
        device: see `load`.
        catalogue: see `fetch_version`.
    """
    from holotype.encoders._load import load

    folder = reference_to_folder(str(fetch_version(version, catalogue)))
    options: dict[str, Any] = {**version.inference_config, "device": device}
    return load(folder, **options)


def find_version(version: ModelVersion) -> Path | None:
    """Return the folder of a version if its files are on this machine; None if they are not.

    Nothing is fetched, and only the manifest is compared; `fetch_version` compares every byte.

    Raises:
        ArtifactError: the manifest is damaged, or another one than was registered.
    """
    ref, digest = ModelRef.parse(version.reference), f"sha256:{version.checkpoint_hash}"
    folder = ref.path if ref.scheme == "local" else cached_artifact(digest)
    if not folder.is_dir():
        return None
    found = read_manifest(folder).digest
    if found != digest:
        raise ArtifactError(
            str(folder),
            f"has the digest {found}, and {version.name} was registered with {digest}; bring its "
            "files back, or register what is there as another version",
        )
    return folder


def labels_of(version: ModelVersion) -> tuple[str, ...]:
    """Return the labels of a version from its files, fetched if needed; empty if it has none.

    Raises:
        HolotypeError: see `fetch_version`.
    """
    if version.type != "classifier":
        return ()
    folder = find_version(version) or fetch_version(version)
    manifest = read_manifest(folder)
    placed: dict[str, Any] = {**version.inference_config, "checkpoint": folder}
    config = configure(manifest.record, **placed)
    plan = make_run_plan(config, Checkpoint(folder, policy=_policy(config, manifest)))
    return plan.encoding.labels if isinstance(plan, ClassifierPlan) else ()


def _refuse_options_of_the_machine(options: Mapping[str, Any]) -> None:
    for name in _OF_THE_MACHINE:
        if name in options:
            raise InvalidArgumentError(
                f"{name}= says where a version runs, not what it is; leave it out of its options, "
                f"and pass it where the version is loaded"
            )


def _pinned(ref: ModelRef, manifest: Manifest) -> ModelRef:
    """Return a reference that no push and no later catalogue gives another meaning."""
    commit, record = manifest.commit, manifest.record
    if ref.scheme == "hf":
        return replace(ref, revision=commit)
    if ref.scheme != "catalogue" or commit is None:
        return ref
    at_commit = ModelRef(scheme="hf", location=record.huggingface_id, revision=commit)
    try:
        same = known_record(at_commit, commit) == record
    except ArtifactError:
        # The repository has several modes, which only ids tell apart; the digest is pinned.
        return ref
    return at_commit if same else ref


def _fingerprint(config: ModelConfig[Any], manifest: Manifest, folder: Path) -> str:
    """Return the fingerprint of a loaded encoder; that of an old manifest has another form."""
    policy = _policy(config, manifest)
    plan = make_run_plan(config, Checkpoint(folder, policy=policy))
    digests = {file.path: file.sha256 for file in manifest.files}
    return fingerprint(plan, dim=config.dim, with_code=policy == "run", digests=digests)


def _policy(config: ModelConfig[Any], manifest: Manifest) -> CodePolicy:
    return code_policy(manifest.record, trusted=config.trust_remote_code)
