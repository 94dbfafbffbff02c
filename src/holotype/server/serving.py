"""Runs an application until a signal ends it, without cutting a request."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from contextlib import suppress
from ipaddress import ip_address
from types import FrameType

import uvicorn

from holotype.server.app import create_app
from holotype.server.settings import ServerSettings
from holotype.server.standing import set_aside
from holotype.server.state import ServerState
from holotype.server.writing import JoiningProtocol

_STOPPED_AT_ONCE = 1
"""The exit code after a second signal, which may have cut requests."""
_KEEP_ALIVE_S = 75
"""How long an idle connection stays open: longer than clients (httpx: 5 s, as uvicorn by itself) and
load balancers (60 s) keep theirs, or one is closed just when its client sends a request."""
_TURN_S = 0.0005
"""How long a thread keeps the interpreter while another one waits for it. A model waits after each
operation that lets go of it; by Python's own 5 ms, it would stand still while another is loaded."""


_MOST_NAMES = 10
_ASKED_BY_ITSELF = "http://127.0.0.1:8080"
"""The server that `holotype pool` asks without ``--url``."""
_EXAMPLE = (
    'deployment.yaml with the lines "version: \'1.0\'" and "models: {search: {source: '
    "'catalogue:all-minilm-l6-v2', preload: true}}\", and start: holotype serve deployment.yaml"
)

_log = logging.getLogger("uvicorn.error")
"""That of the other lines on stderr about the start."""


class GracefulServer(uvicorn.Server):
    """A server that goes on for a while after a signal, so that load balancers turn away first.

    A first SIGTERM or SIGINT makes `/ready` answer 503. After `drain_s` the port closes, and what
    runs has `stop_s` to end. A second signal stops at once.
    """

    def __init__(self, config: uvicorn.Config, state: ServerState) -> None:
        """Run the application of a state."""
        super().__init__(config)
        self._state = state
        self._n_signals = 0
        self._draining: asyncio.Task[None] | None = None

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to stop, or stop at once."""
        self._n_signals += 1
        if self._n_signals > 1:
            # The interpreter would wait for models that run.
            logging.shutdown()
            os._exit(_STOPPED_AT_ONCE)
        self._state.is_draining = True

    async def on_tick(self, counter: int) -> bool:
        """Notice a signal; uvicorn calls this several times a second."""
        if self._n_signals and self._draining is None:
            self._draining = asyncio.create_task(self._drain())
        return await super().on_tick(counter)

    async def _drain(self) -> None:
        settings = self._state.settings
        _log.info(
            "Stopping: the port closes in %g s, and what runs then has %g s; a second signal, or "
            "Ctrl+C, ends at once",
            settings.drain_s,
            settings.stop_s,
        )
        # Event streams end now, since they would run until they are cut.
        self._state.stopping.set()
        await asyncio.sleep(settings.drain_s)
        self.should_exit = True


def serve(settings: ServerSettings) -> None:
    """Serve until SIGTERM or SIGINT; blocks, and sets how threads of this process take turns.

    Raises:
        HolotypeError: the deployment or the database has a problem, or there is no key and other
            machines can reach the server.
    """
    sys.setswitchinterval(_TURN_S)
    state = ServerState.open(settings, before_models=set_aside)
    server = GracefulServer(configure(state), state)
    _log.info("%s", describe(state))
    server.run()


def describe(state: ServerState) -> str:
    """Return what a server serves and where models are added, in one line."""
    names = sorted(state.pool.names)
    place = state.settings.deployment
    if place is None:
        return f"No model is served, since no deployment is named. Write a file such as {_EXAMPLE}"
    shown = ", ".join(names[:_MOST_NAMES])
    more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
    then = "which is watched" if state.settings.watch else f"then {_how_to_reload(state.settings)}"
    models = "model" if len(names) == 1 else "models"
    return f"{len(names)} {models} served: {shown}{more}. To add one, edit {place}, {then}"


def _how_to_reload(settings: ServerSettings) -> str:
    command = "call holotype pool reload"
    if settings.port == 0:
        return f"{command} --url with the address that the next lines name"
    host = settings.host
    with suppress(ValueError):
        address = ip_address(host)
        # A server that listens everywhere is not called by that address.
        if address.is_unspecified:
            host = "127.0.0.1"
        elif address.version == 6:
            host = f"[{host}]"
    url = f"http://{host}:{settings.port}"
    return command if url == _ASKED_BY_ITSELF else f"{command} --url {url}"


def configure(state: ServerState) -> uvicorn.Config:
    """Return how uvicorn runs the application of a state."""
    settings = state.settings
    return uvicorn.Config(
        create_app(state),
        host=settings.host,
        port=settings.port,
        http=JoiningProtocol,
        access_log=False,
        log_level="info",
        timeout_keep_alive=_KEEP_ALIVE_S,
        timeout_graceful_shutdown=max(1, round(settings.stop_s)),
        server_header=False,
    )
