"""Names of the deployment that follow the registry: what serves is what is active there.

The pool asks which version a source stands for, and gets the last known answer, without waiting for
the database. When an activation comes, the deployment is applied again: only names whose version is
another one are loaded and switched. Active versions are also kept in a file, so that a server starts
while the database is away.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields
from datetime import datetime
from pathlib import Path
from threading import Lock
from typing import Any

from holotype.atomic_file import replace_file
from holotype.deployment.document import RegistrySource
from holotype.encoders.names import reference_to_folder
from holotype.errors import HolotypeError
from holotype.pool import Pool, RegisteredModel, Replacement, SupersededError
from holotype.references.ref import ModelRef
from holotype.registry import Activation, ModelConfigService, ModelRegistry, fetch_version
from holotype.registry.versions import ModelVersion

_log = logging.getLogger("holotype.server")


class Versions:
    """Which version each kind is at. Safe to share between threads.

    Attributes:
        switching: held while a switch prepares a version, so that it is not loaded twice.
    """

    def __init__(
        self,
        registry: ModelRegistry | None,
        config: ModelConfigService | None,
        state_file: Path,
    ) -> None:
        """Know what the file says, until the registry says something.

        Args:
            registry: the registry; None while the database does not answer at the start.
            config: what follows it; None likewise.
            state_file: where the last known versions are kept.
        """
        self._registry = registry
        self._config = config
        self._file = state_file
        self._kept: Mapping[str, ModelVersion] = {} if config is not None else _read(state_file)
        self.switching = Lock()
        if config is not None:
            self.keep()

    def connect(self, registry: ModelRegistry, config: ModelConfigService) -> None:
        """Follow the registry from now on, which has not answered before."""
        self._registry, self._config = registry, config
        self.keep()

    def active(self, kind: str) -> ModelVersion | None:
        """Return the version that a kind is at, as far as it is known; never waits."""
        if self._config is None:
            return self._kept.get(kind)
        activation = self._config.active(kind)
        return None if activation is None else activation.version

    def resolve(self, source: RegistrySource) -> RegisteredModel | None:
        """Return what a source stands for; see `holotype.pool.registered.Resolve`.

        Raises:
            HolotypeError: it names a version that there is not, or that only the database knows.
        """
        version = self.active(source.kind)
        if source.version is not None and (version is None or version.name != source.version):
            version = self._named(source)
        if version is None:
            return None
        return RegisteredModel(
            name=version.name,
            digest=version.checkpoint_hash,
            options=version.inference_config,
            fetch=lambda: _folder(version),
        )

    def _named(self, source: RegistrySource) -> ModelVersion:
        if self._registry is None:
            raise HolotypeError(
                f"{source}: only the database knows this version, and it does not answer"
            )
        assert source.version is not None
        return self._registry.get(source.kind, source.version)

    def keep(self) -> None:
        """Write the active versions down, for a start without the database."""
        if self._config is None:
            return
        known = {kind: _data(each.version) for kind, each in self._config.all_active.items()}
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            replace_file(self._file, json.dumps(known, indent=2, default=str).encode())
        except OSError as error:
            _log.warning("%s: cannot be written: %s", self._file, error)


def followers(pool: Pool, kind: str) -> list[tuple[str, str]]:
    """Return name and variant of what follows the active version of a kind."""
    follows = RegistrySource(kind=kind)
    return [
        (spec.name, variant.name)
        for spec in pool.deployment.models
        for variant in spec.variants
        if variant.source == follows
    ]


def follow(pool: Pool, versions: Versions, activation: Activation) -> None:
    """Let what follows a kind serve its new version; what fails goes on as before, and is told."""
    versions.keep()
    if not followers(pool, activation.kind):
        return
    with versions.switching:
        try:
            applied = pool.apply(pool.deployment)
        except SupersededError:
            # A newer deployment came, which reads the newer versions, too.
            return
        except HolotypeError as error:
            _log.error("%s: %s does not serve: %s", activation.kind, activation.version.name, error)
            return
    for name, problem in applied.failed.items():
        _log.error("%r does not serve %s: %s", name, activation.version.name, problem)


@contextmanager
def prepared(
    pool: Pool, versions: Versions, version: ModelVersion, *, timeout_s: float = 60.0
) -> Iterator[Any]:
    """Load a version wherever its kind is followed; the block commits it, or it is closed.

    Yields:
        The `PreparedSwap`; None where nothing follows the kind.

    Raises:
        PoolError: it cannot be loaded; nothing has changed.
    """
    source = RegistrySource(kind=version.kind, version=version.name)
    replacements = [
        Replacement(name=name, variant=variant, source=source)
        for name, variant in followers(pool, version.kind)
    ]
    with versions.switching:
        yield pool.prepare(replacements, timeout_s=timeout_s) if replacements else None


def _folder(version: ModelVersion) -> ModelRef:
    return reference_to_folder(str(fetch_version(version)))


def _data(version: ModelVersion) -> dict[str, Any]:
    values = {each.name: getattr(version, each.name) for each in fields(version)}
    values["inference_config"] = dict(values["inference_config"])
    values["created_at"] = version.created_at.isoformat()
    return values


def _read(file: Path) -> Mapping[str, ModelVersion]:
    """Return the versions of a state file.

    Raises:
        HolotypeError: it is damaged.
    """
    try:
        found: Mapping[str, Mapping[str, Any]] = json.loads(file.read_bytes())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise HolotypeError(f"{file}: cannot be read: {error}; delete it") from error
    try:
        return {
            kind: ModelVersion(
                **{**values, "created_at": datetime.fromisoformat(values["created_at"])}
            )
            for kind, values in found.items()
        }
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise HolotypeError(
            f"{file}: is not what a server of this version writes ({error}); delete it"
        ) from error


def names_of(pool: Pool, kind: str) -> Sequence[str]:
    """Return the names that follow the active version of a kind, each once."""
    return tuple(dict.fromkeys(name for name, _ in followers(pool, kind)))
