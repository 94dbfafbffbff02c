"""What the parts of a server share: its models, its registry, its keys."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast

from starlette.requests import Request

from holotype.deployment.document import Deployment
from holotype.pool import Limits, Pool
from holotype.pool.builder import read_deployment
from holotype.registry import Database, ModelConfigService, ModelRegistry
from holotype.server.admission import Gate
from holotype.server.keys import GivenKeys, Keys, KeyStore
from holotype.server.metrics import ServerMetrics
from holotype.server.settings import ServerSettings

if TYPE_CHECKING:
    from starlette.applications import Starlette


@dataclass(slots=True, kw_only=True, eq=False)
class ServerState:
    """One server.

    Attributes:
        settings: what the operator decided.
        pool: the models.
        keys: who may call.
        metrics: what was counted.
        registry: the registry; None without a database.
        config: which versions are active, without asking the database; None without one.
        switcher: switches versions; None without a database.
        jobs: what runs in the background; the management API makes it.
        started_at: when the server started.
        stopping: set when open streams must end.
        is_draining: whether the server is about to stop, so that requests should go elsewhere.
        n_running: how many requests run.
        gate: bounds calls that cannot share batches.
        threads: where texts are tokenised that are too long for the event loop.
        loads: where requests wait for a load.
        fingerprints: those of vectors that were cut shorter, by the whole ones' and the size.
    """

    settings: ServerSettings
    pool: Pool
    keys: Keys
    metrics: ServerMetrics
    registry: ModelRegistry | None = None
    config: ModelConfigService | None = None
    switcher: Any = None
    jobs: Any = None
    started_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    is_draining: bool = False
    n_running: int = 0
    gate: Gate = field(init=False)
    threads: ThreadPoolExecutor = field(init=False)
    loads: ThreadPoolExecutor = field(init=False)
    fingerprints: dict[tuple[str | None, int], str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Make what belongs to this server alone."""
        self.gate = Gate(self.settings.max_queued_requests)
        self.threads = ThreadPoolExecutor(4, thread_name_prefix="holotype-requests")
        self.loads = ThreadPoolExecutor(64, thread_name_prefix="holotype-loads")

    @classmethod
    def open(cls, settings: ServerSettings) -> ServerState:
        """Open everything that a server needs; models that are preloaded are being loaded then.

        Raises:
            HolotypeError: the deployment or the database has a problem, or there is no key and
                other machines can reach the server.
        """
        stores: list[KeyStore] = [GivenKeys(settings.api_keys)]
        registry = config = None
        if settings.database is not None:
            registry = ModelRegistry(Database(settings.database))
            config = ModelConfigService(registry).start()
        keys = Keys(stores, loopback=settings.is_loopback, origins=settings.cors_origins)
        keys.require_one()
        pool = _open_pool(settings)
        return cls(
            settings=settings,
            pool=pool,
            keys=keys,
            metrics=ServerMetrics(pool),
            registry=registry,
            config=config,
        )

    def close(self) -> None:
        """Close everything; requests have ended by then."""
        self.pool.close(drain_s=self.settings.stop_s)
        self.threads.shutdown(wait=False, cancel_futures=True)
        self.loads.shutdown(wait=False, cancel_futures=True)
        if self.config is not None:
            self.config.close()
        if self.registry is not None:
            self.registry.database.close()


def _open_pool(settings: ServerSettings) -> Pool:
    limits = Limits(
        queued_tokens=settings.max_queued_tokens, queued_requests=settings.max_queued_requests
    )
    location = settings.deployment
    if location is None:
        return Pool(Deployment(), limits=limits)
    return Pool(
        read_deployment(location),
        read=lambda: read_deployment(location),
        location=location,
        allow=settings.allow,
        limits=limits,
    )


def state_of(request: Request) -> ServerState:
    """Return the server that a request came to."""
    app: Starlette = request.app
    return cast(ServerState, app.state.holotype)
