"""Serves the web page that was built from ``frontend/``, or says how to build it.

The wheel carries the built page in ``server/page``. A checkout has it after ``make page``.
"""

from __future__ import annotations

from pathlib import Path

from fastapi import APIRouter, Depends, FastAPI, Request, Response
from fastapi.responses import HTMLResponse
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.middleware.gzip import GZipMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

FOLDER = Path(__file__).parent / "page"
"""Where the built page is."""

_API = ("/api/", "/v1/")
_SHARED = frozenset({"/models"})
"""Addresses of the page that are also those of an API; browsers get the page."""

_HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        "img-src 'self' data: blob:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
}
_NOT_BUILT = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="color-scheme" content="light dark">
<title>holotype</title>
<h1>The page is not built</h1>
<p>This holotype comes from a checkout, which holds the page's sources only. Run
<code>make page</code> there, which needs node 20.19 or newer, install holotype again unless the
installation is editable, and start the server again. A published wheel carries the built page.</p>
<p>The APIs need no page: <a href="/openapi.json">openapi.json</a> describes them.</p>
</html>
"""


class PageRequests:
    """What the page's files need around the application; the APIs go through as they are."""

    def __init__(self, app: ASGIApp, assets: frozenset[str]) -> None:
        """Compress the files at these addresses."""
        self._app = app
        self._compressing = GZipMiddleware(app, minimum_size=1024)
        self._assets = assets

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        app = self._app
        if scope["type"] == "http":
            if scope["path"] in self._assets:
                app = self._compressing
            elif scope["path"] in _SHARED and _is_navigation(scope):
                scope = {**scope, "path": "/index.html", "raw_path": b"/index.html"}
        await app(scope, receive, send)


def _is_navigation(scope: Scope) -> bool:
    """Return whether a browser goes to an address; a program does not ask for HTML."""
    return scope["method"] in ("GET", "HEAD") and "text/html" in Headers(scope=scope).get(
        "accept", ""
    )


def mount(app: FastAPI, folder: Path = FOLDER) -> None:
    """Serve the built page at ``/``, below every other route; without one, say how to build it.

    Addresses of the page, such as ``/pool``, answer its index to browsers. Files whose names have
    their digest may be kept for ever; everything else is asked for each time.
    """
    if not (folder / "index.html").is_file():

        @app.get("/", include_in_schema=False)
        async def not_built() -> HTMLResponse:
            return HTMLResponse(_NOT_BUILT, status_code=404)

        return
    assets = frozenset(f"/assets/{path.name}" for path in (folder / "assets").iterdir())

    async def prepare(request: Request, response: Response) -> None:
        path = request.url.path
        if path.startswith(_API):
            # The index would answer a misspelt call of an API with 200.
            raise HTTPException(404)
        response.headers.update(_HEADERS)
        response.headers["cache-control"] = (
            "public, max-age=31536000, immutable" if path in assets else "no-cache"
        )

    router = APIRouter(dependencies=[Depends(prepare)])
    router.frontend("/", directory=folder, fallback="index.html", check_dir=True)
    app.include_router(router)
    app.add_middleware(PageRequests, assets=assets)
