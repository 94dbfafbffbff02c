"""What the management API runs besides requests: jobs, events, the switcher and their wiring."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from threading import Thread
from typing import TYPE_CHECKING, cast

from starlette.requests import Request

from holotype.errors import HolotypeError
from holotype.pool import Event
from holotype.registry import Activation, ModelRegistry, ModelSwitcher, ModelValidator
from holotype.server.errors import NoRegistryError, UnavailableError
from holotype.server.health import find_problems
from holotype.server.management.answers import ActivationBody
from holotype.server.management.event_hub import EventHub
from holotype.server.management.job_bodies import JobBody
from holotype.server.management.job_store import Job, Jobs
from holotype.server.management.serving import PoolServing
from holotype.server.state import ServerState

if TYPE_CHECKING:
    from fastapi import FastAPI

HEALTH_EVERY_S = 1.0

_log = logging.getLogger("holotype.server")


class Management:
    """The part of a server that operators use.

    Attributes:
        state: the server.
        events: what it tells.
        jobs: what runs in the background.
        serving: its pool, as the registry sees it.
    """

    def __init__(self, state: ServerState) -> None:
        """Follow a server; see `start`."""
        self.state = state
        self.events = EventHub()
        self.jobs = Jobs(self._tell_job)
        self.serving = PoolServing(state)
        self._unsubscribe: Callable[[], None] | None = None
        self._pool_events = state.pool.events.subscribe()
        self._pool_thread = Thread(target=self._tell_pool, name="holotype-events", daemon=True)

    @property
    def registry(self) -> ModelRegistry:
        """The registry.

        Raises:
            NoRegistryError: the server was started without one.
            UnavailableError: its database has not answered yet.
        """
        if self.state.registry is not None:
            return self.state.registry
        if self.state.settings.database is None:
            raise NoRegistryError(
                "this server has no registry; start it with --database sqlite:///FILE or "
                "postgresql://USER@HOST/DATABASE"
            )
        raise UnavailableError(
            "the database of the registry has not answered yet; models are served as they were",
            retry_after_s=5.0,
        )

    @property
    def validator(self) -> ModelValidator:
        """Checks versions with the memory of the pool; see `registry` for the errors."""
        return ModelValidator(self.registry, open=self.serving.open)

    @property
    def switcher(self) -> ModelSwitcher:
        """Switches kinds; see `registry` for the errors."""
        return ModelSwitcher(self.registry, serving=self.serving, validator=self.validator)

    def start(self) -> None:
        """Begin to tell of events."""
        self._pool_thread.start()
        self.follow_registry()

    def follow_registry(self) -> None:
        """Tell of activations from now on, if there is a registry and nobody does it yet."""
        if self._unsubscribe is None and self.state.config is not None:
            self._unsubscribe = self.state.config.subscribe(self._tell_activation)

    def close(self) -> None:
        """Wait for the jobs that run, and tell no more."""
        self.events.end()
        if self._unsubscribe is not None:
            self._unsubscribe()
        self.jobs.close()
        self._pool_events.end()
        self._pool_thread.join()

    async def watch_health(self) -> None:
        """Tell whenever the server becomes ready or stops being ready, until it is cancelled."""
        before: list[str] | None = None
        while True:
            problems = await asyncio.to_thread(find_problems, self.state)
            if problems != before and before is not None:
                self.events.add("health", {"ready": not problems, "problems": problems})
            before = problems
            self.follow_registry()
            await asyncio.sleep(HEALTH_EVERY_S)

    async def end_with_server(self) -> None:
        """End all readers of events when the server is about to stop."""
        await self.state.stopping.wait()
        self.events.end()

    def _tell_job(self, job: Job) -> None:
        self.events.add("job", JobBody.of(job).model_dump(mode="json"))

    def _tell_activation(self, activation: Activation) -> None:
        body = ActivationBody.of(activation, active=True)
        self.events.add("activation", body.model_dump(mode="json"))

    def _tell_pool(self) -> None:
        for event in self._pool_events:
            is_deployment = event.kind.startswith("deployment_")
            self.events.add("deployment" if is_deployment else "pool", event_data(event))


def event_data(event: Event) -> dict[str, object]:
    """Return an event of the pool as JSON has it."""
    return {
        "number": event.number,
        "at": datetime.fromtimestamp(event.at, UTC).isoformat().replace("+00:00", "Z"),
        "kind": event.kind,
        "name": event.name,
        "values": dict(event.values),
    }


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Run the management of an application as long as it runs."""
    management = Management(app.state.holotype)
    app.state.management = management
    app.state.holotype.jobs = management.jobs
    management.start()
    tasks = [
        asyncio.create_task(management.watch_health()),
        asyncio.create_task(management.end_with_server()),
    ]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        for ended in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(ended, HolotypeError):
                _log.error("a task of the server failed", exc_info=ended)
        await asyncio.to_thread(management.close)


def management_of(request: Request) -> Management:
    """Return the management of the server that a request came to."""
    return cast(Management, request.app.state.management)
