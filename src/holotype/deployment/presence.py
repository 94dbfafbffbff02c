"""Whether what a deployment names can be loaded here: by its files, and by the lock if there is one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from holotype.deployment.document import Deployment, ReferenceSource, RegistrySource, Source
from holotype.errors import ArtifactError
from holotype.references.lock_file import lock_of_environment, locked_folder, read_lock


def find_problem(source: Source) -> str | None:
    """Return why a source cannot be loaded, as this machine and HOLOTYPE_LOCK tell; else None.

    Whatever the bytes of its files are: only a load compares them.
    """
    lock = lock_of_environment()
    try:
        if lock is not None:
            return _problem_under(lock, source)
        if isinstance(source, ReferenceSource) and source.ref.scheme == "local":
            from holotype.references.folders import find_folder

            find_folder(source.ref)
    except (ArtifactError, OSError) as error:
        return str(error)
    return None


def _problem_under(lock: Path, source: Source) -> str | None:
    if isinstance(source, ReferenceSource):
        locked_folder(source.ref, lock)
    elif isinstance(source, RegistrySource):
        names_folders = any(each.reference.scheme == "local" for each in read_lock(lock).models)
        if not names_folders:
            return (
                f"{source}: a version of a registry is loaded from its folder, and the lock "
                f"{str(lock)!r} names no folder; add it with: holotype artifact lock local:FOLDER, or "
                "unset HOLOTYPE_LOCK, since a registry compares every byte itself"
            )
    return None


def find_missing(deployment: Deployment) -> Iterator[tuple[str, str]]:
    """Yield the name of each model that cannot be loaded on this machine, and why."""
    for model in deployment.models:
        for variant in model.variants:
            problem = find_problem(variant.source)
            if problem is not None:
                yield model.name, problem
