"""Names of the deployment that follow the registry: what serves is what is active there.

The pool asks which version a source stands for, and gets the last known answer, without waiting for
the database. When an activation comes, the deployment is applied again: only names whose version is
another one are loaded and switched.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from holotype.catalogue import Catalogue
from holotype.deployment.document import RegistrySource
from holotype.encoders.names import reference_to_folder
from holotype.errors import HolotypeError
from holotype.pool import Pool, RegisteredModel
from holotype.references.ref import ModelRef
from holotype.registry import Activation, ModelConfigService, ModelRegistry, fetch_version
from holotype.registry.errors import DatabaseUnavailableError
from holotype.registry.versions import ModelVersion

_log = logging.getLogger("holotype.server")


class Versions:
    """Which version each kind is at. Safe to share between threads."""

    def __init__(
        self,
        kept: Mapping[str, ModelVersion],
        location: str,
        catalogue: Catalogue[Any] | None,
    ) -> None:
        """Know what was known last.

        Args:
            kept: the active versions by kind, from a file.
            location: the database, for messages.
            catalogue: see `fetch_version`.
        """
        self._kept = kept
        self._location = location
        self._catalogue = catalogue
        self._registry: ModelRegistry | None = None
        self._config: ModelConfigService | None = None

    def connect(self, registry: ModelRegistry, config: ModelConfigService) -> None:
        """Follow the registry from now on."""
        self._registry, self._config = registry, config

    @property
    def all(self) -> Mapping[str, ModelVersion]:
        """The version that each kind is at, as far as it is known."""
        if self._config is None:
            return self._kept
        return {kind: each.version for kind, each in self._config.all_active.items()}

    def resolve(self, source: RegistrySource) -> RegisteredModel | None:
        """Return what a source stands for; see `holotype.pool.registered.Resolve`.

        Raises:
            DatabaseUnavailableError: only the database knows the version that it names.
            VersionNotFoundError: there is no such version.
        """
        version = self._active(source.kind)
        if source.version is not None and (version is None or version.name != source.version):
            version = self._named(source.kind, source.version)
        if version is None:
            return None
        found = version
        return RegisteredModel(
            name=version.name,
            digest=version.checkpoint_hash,
            options=version.inference_config,
            fetch=lambda: self._folder(found),
            fingerprint=version.fingerprint,
        )

    def _active(self, kind: str) -> ModelVersion | None:
        if self._config is None:
            return self._kept.get(kind)
        activation = self._config.active(kind)
        return None if activation is None else activation.version

    def _folder(self, version: ModelVersion) -> ModelRef:
        return reference_to_folder(str(fetch_version(version, self._catalogue)))

    def _named(self, kind: str, version: str) -> ModelVersion:
        if self._registry is None:
            raise DatabaseUnavailableError(
                self._location, f"does not answer, and only it knows {version} of {kind}"
            )
        return self._registry.get(kind, version)


def followers(pool: Pool, kind: str) -> list[tuple[str, str]]:
    """Return name and variant of what follows the active version of a kind."""
    follows = RegistrySource(kind=kind)
    return [
        (spec.name, variant.name)
        for spec in pool.deployment.models
        for variant in spec.variants
        if variant.source == follows
    ]


def follow(pool: Pool, activation: Activation) -> None:
    """Let what follows a kind serve its new version; what fails goes on as before, and is told."""
    refresh(pool, f"{activation.kind} is at {activation.version.name}", activation.kind)


def refresh(pool: Pool, because: str, kind: str | None = None) -> None:
    """Serve what the registry says now; what fails goes on as before, and is told in the log.

    Args:
        pool: the models.
        because: what happened.
        kind: only the names that follow this kind; None for all names.
    """
    try:
        applied = pool.refresh(kind)
    except HolotypeError as error:
        _log.error("%s, and is not served: %s", because, error)
        return
    for name, problem in applied.failed.items():
        _log.error("%s, and %r does not serve it: %s", because, name, problem)
