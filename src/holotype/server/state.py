"""What the parts of a server share: its models, its registry, its keys."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from threading import Event, Thread
from typing import TYPE_CHECKING, Any, cast

from starlette.requests import Request

from holotype.deployment.document import Deployment
from holotype.errors import HolotypeError
from holotype.pool import Limits, Pool
from holotype.pool.builder import read_deployment
from holotype.pool.registered import Resolve
from holotype.registry import Activation, Database, ModelConfigService, ModelRegistry
from holotype.registry.errors import DatabaseUnavailableError
from holotype.registry.keys import ApiKeys
from holotype.server.following import Versions, follow, refresh
from holotype.server.handover import Handover
from holotype.server.keys import GivenKeys, KeyInfo, Keys, KeyStore
from holotype.server.metrics import ServerMetrics
from holotype.server.settings import ServerSettings
from holotype.server.state_file import StateFile
from holotype.server.telemetry import is_on

if TYPE_CHECKING:
    from starlette.applications import Starlette

_RETRY_S = 2.0
_N_TOKENIZERS = 4
_MOST_WAITING_FOR_LOADS = 64

_log = logging.getLogger("holotype.server")


@dataclass(slots=True, kw_only=True, eq=False)
class ServerState:
    """One server.

    Attributes:
        settings: what the operator decided.
        pool: the models.
        keys: who may call.
        metrics: what was counted.
        registry: the registry; None without a database, or until it answers.
        config: which versions are active, without asking the database; None likewise.
        jobs: what runs in the background; the management API makes it.
        started_at: when the server started.
        stopping: set when open streams must end.
        is_draining: whether the server is about to stop, so that requests should go elsewhere.
        n_running: how many requests run.
        threads: where texts are tokenised that are too long for the event loop.
        loads: where requests wait for a load.
        fingerprints: those of vectors that were cut shorter, by the whole ones' and the size.
        kinds: the kinds of models that have not been loaded, by their references.
        traces: whether requests are traced.
        process_id: the process that has the threads of the pool.
    """

    settings: ServerSettings
    pool: Pool
    keys: Keys
    metrics: ServerMetrics
    registry: ModelRegistry | None = None
    config: ModelConfigService | None = None
    jobs: Any = None
    started_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    is_draining: bool = False
    n_running: int = 0
    threads: ThreadPoolExecutor = field(init=False)
    loads: ThreadPoolExecutor = field(init=False)
    fingerprints: dict[tuple[str | None, int], str] = field(default_factory=dict)
    kinds: dict[str, str] = field(default_factory=dict)
    traces: bool = field(default_factory=is_on)
    process_id: int = field(default_factory=os.getpid)
    _link: _Link | None = None
    _handover: Handover | None = None

    def __post_init__(self) -> None:
        """Make what belongs to this server alone."""
        self.threads = ThreadPoolExecutor(_N_TOKENIZERS, thread_name_prefix="holotype-requests")
        self.loads = ThreadPoolExecutor(
            _MOST_WAITING_FOR_LOADS, thread_name_prefix="holotype-loads"
        )

    @classmethod
    def open(
        cls, settings: ServerSettings, *, before_models: Callable[[Deployment], None] | None = None
    ) -> ServerState:
        """Open everything that a server needs; models that are preloaded are being loaded then.

        Args:
            settings: what the operator decided.
            before_models: called with the deployment before any model is loaded.

        Raises:
            HolotypeError: the deployment or the database has a problem, or there is no key and
                other machines can reach the server.
        """
        with ExitStack() as opened:
            stores: list[KeyStore] = [GivenKeys(settings.api_keys)]
            link = None
            if settings.database is not None:
                link = _Link(settings, Database(settings.database))
                opened.callback(link.close)
                stores.append(link)
            keys = Keys(stores, loopback=settings.is_loopback, origins=settings.cors_origins)
            if link is not None:
                link.open(keys)
            keys.require_one()
            resolve = None if link is None else link.versions.resolve
            pool = _open_pool(settings, resolve, before_models)
            state = cls(settings=settings, pool=pool, keys=keys, metrics=ServerMetrics(pool))
            if link is not None:
                state._link = link
                link.attach(state)
            opened.pop_all()
        return state

    @property
    def handover(self) -> Handover:
        """What wakes requests on the event loop that runs."""
        loop = asyncio.get_running_loop()
        if self._handover is None or self._handover.loop is not loop:
            self._handover = Handover(loop)
        return self._handover

    def close(self) -> None:
        """Close everything; requests have ended by then."""
        self.pool.close(drain_s=self.settings.stop_s)
        self.threads.shutdown(wait=False, cancel_futures=True)
        self.loads.shutdown(wait=False, cancel_futures=True)
        if self._link is not None:
            self._link.close()


class _Link:
    """A server's connection to its registry; while the database is away, what was known last.

    It is a store of keys, too: those of the registry.
    """

    def __init__(self, settings: ServerSettings, database: Database) -> None:
        """Connect to nothing yet."""
        self._settings = settings
        self._database = database
        self._keys: ApiKeys | None = None
        path = settings.state_file
        location = database.location
        self._file = StateFile.for_database(location) if path is None else StateFile(path)
        self.versions = Versions({}, location, settings.catalogue)
        self._registry: ModelRegistry | None = None
        self._config: ModelConfigService | None = None
        self._state: ServerState | None = None
        self._unsubscribe: Callable[[], None] | None = None
        self._closing = Event()
        self._thread: Thread | None = None

    def open(self, keys: Keys) -> None:
        """Connect, or know what was known last.

        Raises:
            DatabaseUnavailableError: the database does not answer, and the operator wants it to.
            HolotypeError: its tables are of another version, or the file is damaged.
        """
        try:
            self._connect()
        except DatabaseUnavailableError as error:
            if self._settings.require_database:
                raise
            _log.warning("%s; starting from %s", error, self._file.path)
            known = self._file.read()
            if known is None:
                raise
            location, catalogue = self._database.location, self._settings.catalogue
            self.versions = Versions(known.versions, location, catalogue)
            keys.restore(known.callers, keyless=known.keyless)
        keys.keep_with(self._file.keep_keys)

    def check(self, key: str) -> KeyInfo | None:
        """Return what the registry knows of a key; see `KeyStore`."""
        return self._connected_keys.check(key)

    def any(self) -> bool:
        """Return whether the registry has a key that works."""
        return self._connected_keys.any()

    @property
    def _connected_keys(self) -> ApiKeys:
        if self._keys is None:
            raise DatabaseUnavailableError(
                self._database.location, "has not answered yet; keys cannot be looked up"
            )
        return self._keys

    def _connect(self) -> None:
        registry = ModelRegistry(self._database, catalogue=self._settings.catalogue)
        config = ModelConfigService(registry).start()
        self._registry, self._config = registry, config
        self.versions.connect(registry, config)
        self._file.keep_versions(self.versions.all)
        self._keys = ApiKeys(self._database)

    def attach(self, state: ServerState) -> None:
        """Let a server follow the registry, from now on or as soon as its database answers."""
        self._state = state
        if self._registry is not None:
            self._follow()
            return
        self._thread = Thread(target=self._retry, name="holotype-database", daemon=True)
        self._thread.start()

    def _follow(self) -> None:
        assert self._state is not None and self._config is not None
        self._state.registry, self._state.config = self._registry, self._config
        self._unsubscribe = self._config.subscribe(self._on_activation)

    def _on_activation(self, activation: Activation) -> None:
        assert self._state is not None
        self._file.keep_versions(self.versions.all)
        follow(self._state.pool, activation)

    def _retry(self) -> None:
        while not self._closing.wait(_RETRY_S):
            try:
                self._connect()
            except DatabaseUnavailableError:
                continue
            except HolotypeError as error:
                _log.error("the registry cannot be used: %s", error)
                return
            self._follow()
            assert self._state is not None
            _log.info("%s answers", self._database.location)
            refresh(self._state.pool, "the registry answers")
            return

    def close(self) -> None:
        """End the connection; twice is harmless."""
        self._closing.set()
        if self._thread is not None:
            self._thread.join()
        if self._unsubscribe is not None:
            self._unsubscribe()
        if self._config is not None:
            self._config.close()
        self._database.close()


def _open_pool(
    settings: ServerSettings,
    registry: Resolve | None,
    before_models: Callable[[Deployment], None] | None,
) -> Pool:
    limits = Limits(
        queued_tokens=settings.max_queued_tokens, queued_requests=settings.max_queued_requests
    )
    location = settings.deployment
    deployment = Deployment() if location is None else read_deployment(location, settings.catalogue)
    if before_models is not None:
        before_models(deployment)
    if location is None:
        return Pool(deployment, limits=limits, registry=registry)
    return Pool(
        deployment,
        read=lambda: read_deployment(location, settings.catalogue),
        location=location,
        allow=settings.allow,
        limits=limits,
        registry=registry,
        catalogue=settings.catalogue,
    )


def state_of(request: Request) -> ServerState:
    """Return the server that a request came to."""
    app: Starlette = request.app
    return cast(ServerState, app.state.holotype)
