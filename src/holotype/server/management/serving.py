"""The pool as the registry sees it: where a kind is served, whether a version fits, loads."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from holotype.deployment.document import RegistrySource
from holotype.pool import PreparedSwap, Replacement
from holotype.pool.planning import worst_fit
from holotype.registry import Activation, LoadedVersion, MemoryPlan, ModelVersion
from holotype.server.following import followers
from holotype.server.state import ServerState

LOAD_TIMEOUT_S = 600.0


class PoolServing:
    """What `holotype.registry.Serving` asks for, of the pool of a server."""

    def __init__(self, state: ServerState) -> None:
        """Use the pool of a server."""
        self._state = state

    def followers(self, kind: str) -> Sequence[str]:
        """Return the names that follow the active version of a kind."""
        return self._state.pool.following(kind)

    def plan_memory(self, version: ModelVersion) -> MemoryPlan | None:
        """Return whether a version fits beside what is loaded; None if nothing follows its kind."""
        pool = self._state.pool
        found = followers(pool, version.kind)
        if not found:
            return None
        plans = [pool.plan(name, _source(version), variant=variant) for name, variant in found]
        names = (name for plan in plans for name in plan.would_unload)
        return MemoryPlan(
            fits=worst_fit(plan.fits for plan in plans),
            need_bytes=sum(plan.need_bytes for plan in plans),
            free_bytes=max(plan.free_bytes for plan in plans),
            would_unload=tuple(dict.fromkeys(names)),
        )

    def serves_version(self, version: ModelVersion) -> bool:
        """Return whether what follows the kind of a version serves it, or loads it with the next call."""
        pool = self._state.pool
        reference, status = str(_source(version)), pool.status()
        found = [
            one
            for name, variant in followers(pool, version.kind)
            for one in status.of(name)
            if one.variant == variant
        ]
        return all(
            one.reference == reference and one.state != "sick" and one.last_error is None
            for one in found
        )

    def prepare(self, version: ModelVersion) -> PreparedVersion:
        """Load a version beside what serves, wherever its kind is followed.

        Raises:
            PoolError: it cannot be loaded; nothing has changed.
        """
        pool = self._state.pool
        replacements = [
            Replacement(name=name, variant=variant, source=_source(version))
            for name, variant in followers(pool, version.kind)
        ]
        # Without replacements other deployments need not wait.
        swap = pool.prepare(replacements, timeout_s=LOAD_TIMEOUT_S) if replacements else None
        return PreparedVersion(self._state, swap)

    @contextmanager
    def open(self, version: ModelVersion) -> Iterator[LoadedVersion]:
        """Return a version that serves, or load it within the budget as long as the block runs.

        Raises:
            PoolError: it cannot be loaded.
        """
        pool, source = self._state.pool, _source(version)
        began_s = time.perf_counter()
        serving = self._serving(version)
        with pool.borrow(source) if serving is None else pool.acquire(*serving) as lease:
            yield _loaded(lease.generation, time.perf_counter() - began_s)

    def _serving(self, version: ModelVersion) -> tuple[str] | None:
        """Return the name under which a version is loaded; None if it is not."""
        reference, status = str(_source(version)), self._state.pool.status()
        for one in status.models:
            serves = one.version is not None and one.version.reference == reference
            if serves and len(status.of(one.name)) == 1:
                return (one.name,)
        return None


class PreparedVersion:
    """A version that is loaded beside what serves; see `holotype.registry.Prepared`."""

    def __init__(self, state: ServerState, swap: PreparedSwap | None) -> None:
        """Wrap a swap of the pool; None where nothing follows the kind."""
        self._state = state
        self._swap = swap

    @property
    def loaded(self) -> Sequence[LoadedVersion]:
        """The loaded models."""
        if self._swap is None:
            return ()
        each_s = self._swap.load_s / max(1, len(self._swap.generations))
        return tuple(_loaded(each, each_s) for each in self._swap.generations)

    def commit(self, activation: Activation) -> None:
        """Let them take over.

        The server learns of the activation first, so that no other look at the registry takes the
        old version for the active one.
        """
        config = self._state.config
        if config is not None:
            config.learn(activation)
            config.look()
        if self._swap is not None:
            self._swap.commit()

    def discard(self) -> None:
        """Close them; what serves goes on."""
        if self._swap is not None:
            self._swap.discard()


def _source(version: ModelVersion) -> RegistrySource:
    return RegistrySource(kind=version.kind, version=version.name)


def _loaded(generation: Any, load_s: float) -> LoadedVersion:
    return LoadedVersion(
        model=generation.model, load_s=load_s, memory_bytes=generation.memory_bytes
    )
