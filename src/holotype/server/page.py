"""The web page, if it has been built."""

from __future__ import annotations

from fastapi import FastAPI


def mount(app: FastAPI) -> None:
    """Serve the built page at ``/``; a server without one has only its APIs."""
