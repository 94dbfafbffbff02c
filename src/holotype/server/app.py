"""The application: its routes, and what happens when it starts and stops."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import PackageNotFoundError, version

from fastapi import FastAPI, Security
from fastapi.security import HTTPBearer
from starlette.middleware.cors import CORSMiddleware

from holotype.encoders.running.forks import refuse_fork
from holotype.server import health, page, problems, telemetry
from holotype.server.direct import DirectRoutes
from holotype.server.envelope import Envelope
from holotype.server.inference import router as inference
from holotype.server.inference.routes import DIRECT
from holotype.server.management import router as management
from holotype.server.state import ServerState

_DESCRIPTION = """\
Typed embedding, reranking and classification models over HTTP.

- **Inference**: `/v1/...` in OpenAI's, Jina's and Infinity's shapes, and the paths of Text Embeddings Inference.
- **Management**: `/api/...`; the registry of versions, the pool, switches, jobs and events.

Errors are `application/problem+json`; under `/v1` they have OpenAI's shape.
"""
_KEY = HTTPBearer(
    auto_error=False,
    scheme_name="key",
    description=(
        "A key of `holotype keys create`, or HOLOTYPE_API_KEY. A server without any key asks for "
        "none, and listens on loopback only."
    ),
)
"""It describes keys; `holotype.server.keys` checks them, also on routes that FastAPI does not see."""


def create_app(state: ServerState) -> FastAPI:
    """Return the application of a server; when it stops, it closes the state.

    It does not start in a fork of the process that opened the state: `ForkedEncoderError`.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        refuse_fork("holotype.server", state.process_id, in_pool=True)
        if state.settings.watch and state.settings.deployment is not None:
            state.pool.watch()
        try:
            yield
        finally:
            state.stopping.set()
            state.is_draining = True
            await asyncio.to_thread(state.close)

    app = FastAPI(
        title="holotype",
        summary="Models that run as their records say.",
        description=_DESCRIPTION,
        version=_version(),
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url="/openapi.json",
        telemetry=telemetry.configuration(),
    )
    app.state.holotype = state
    problems.install(app)
    # The last that is added is the outermost.
    app.add_middleware(
        DirectRoutes,
        endpoints=DIRECT,
        traces=state.traces,
        timeout_s=state.settings.timeout_s,
    )
    if state.settings.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(state.settings.cors_origins),
            allow_methods=["GET", "POST", "DELETE"],
            allow_headers=["*"],
            expose_headers=["*"],
        )
    app.add_middleware(Envelope, state=state)
    app.include_router(health.router)
    app.include_router(inference, dependencies=[Security(_KEY)])
    app.include_router(management, dependencies=[Security(_KEY)])
    page.mount(app)
    return app


def _version() -> str:
    try:
        return version("holotype")
    except PackageNotFoundError:
        return "unknown"
