"""Whether what a deployment names is on this machine."""

from __future__ import annotations

from collections.abc import Iterator

from holotype.deployment.document import Deployment, ReferenceSource, Source
from holotype.errors import ArtifactError


def find_problem(source: Source) -> str | None:
    """Return why a source cannot be loaded, as its folder on this machine tells; else None."""
    if not isinstance(source, ReferenceSource) or source.ref.scheme != "local":
        return None
    from holotype.references.folders import find_folder

    try:
        find_folder(source.ref)
    except (ArtifactError, OSError) as error:
        return str(error)
    return None


def find_missing(deployment: Deployment) -> Iterator[tuple[str, str]]:
    """Yield the name of each model whose folder or alias is not on this machine, and why."""
    for model in deployment.models:
        for variant in model.variants:
            problem = find_problem(variant.source)
            if problem is not None:
                yield model.name, problem
