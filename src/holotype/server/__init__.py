"""The HTTP server: the models of a deployment behind the APIs that clients of the field speak.

    from holotype.server import ServerSettings, serve

    serve(ServerSettings(deployment="deployment.yaml"))

Install what it needs with ``pip install 'holotype[server]'``; the command is `holotype serve`.
"""

from holotype.errors import MissingExtraError

try:
    import fastapi as _fastapi  # noqa: F401
    import orjson as _orjson  # noqa: F401
    import prometheus_client as _prometheus_client  # noqa: F401
    import uvicorn as _uvicorn  # noqa: F401
except ModuleNotFoundError as error:
    raise MissingExtraError("server", str(error.name), "holotype.server") from error

from holotype.server.app import create_app
from holotype.server.serving import serve
from holotype.server.settings import ServerSettings
from holotype.server.state import ServerState

__all__ = ["ServerSettings", "ServerState", "create_app", "serve"]
