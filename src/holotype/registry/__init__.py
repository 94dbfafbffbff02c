"""The registry: which version of which model is in production, since when, and why.

    from holotype.registry import Database, ModelRegistry

    registry = ModelRegistry(Database("sqlite:///registry.db"))
    registry.activate("text_embedding", "v1.0.0", actor="alice", reason="better recall")

It lives in a database: SQLite in one file, or PostgreSQL. `holotype db upgrade` makes its tables.
"""

from importlib.util import find_spec as _find_spec

from holotype.errors import MissingExtraError

for _module in ("sqlalchemy", "psycopg"):
    if _find_spec(_module) is None:
        raise MissingExtraError("registry", _module, "holotype.registry")

from holotype.registry.database import Database
from holotype.registry.errors import (
    DatabaseAddressError,
    DatabaseUnavailableError,
    RegistryError,
    RequestReusedError,
    SchemaVersionError,
    StaleGenerationError,
    VersionExistsError,
    VersionNotFoundError,
)
from holotype.registry.following import ModelConfigService
from holotype.registry.model_registry import ModelRegistry
from holotype.registry.resolving import fetch_version, load_version
from holotype.registry.schema import check, upgrade
from holotype.registry.versions import Activation, ModelVersion, VersionPage

__all__ = [
    "Activation",
    "Database",
    "DatabaseAddressError",
    "DatabaseUnavailableError",
    "ModelConfigService",
    "ModelRegistry",
    "ModelVersion",
    "RegistryError",
    "RequestReusedError",
    "SchemaVersionError",
    "StaleGenerationError",
    "VersionExistsError",
    "VersionNotFoundError",
    "VersionPage",
    "check",
    "fetch_version",
    "load_version",
    "upgrade",
]
