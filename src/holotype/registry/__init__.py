"""The registry: which version of which model is in production, since when, and why.

    from holotype.registry import Database, ModelRegistry

    registry = ModelRegistry(Database("sqlite:///registry.db"))
    registry.activate("text_embedding", "v1.0.0", actor="alice", reason="better recall")

It lives in a database: SQLite in one file, or PostgreSQL. `holotype db upgrade` makes its tables.
"""

from holotype.errors import MissingExtraError

try:
    import psycopg as _psycopg  # noqa: F401
    import sqlalchemy as _sqlalchemy  # noqa: F401
except ModuleNotFoundError as error:
    raise MissingExtraError("registry", str(error.name), "holotype.registry") from error

from holotype.registry.benchmarks import measure_classification, measure_retrieval
from holotype.registry.checks import CheckResult, VersionCheck
from holotype.registry.comparing import (
    ComparedMetric,
    Comparison,
    MetricOfVersions,
    VersionsCompared,
)
from holotype.registry.database import Database
from holotype.registry.environment import describe_environment
from holotype.registry.errors import (
    DatabaseAddressError,
    DatabaseUnavailableError,
    KeyNotFoundError,
    RegistryError,
    RequestReusedError,
    SchemaVersionError,
    StaleGenerationError,
    SwitchFailedError,
    VersionExistsError,
    VersionNotFoundError,
    VersionRejectedError,
)
from holotype.registry.exporting import export_comparison, export_runs, export_versions
from holotype.registry.following import ModelConfigService
from holotype.registry.keys import SCOPES, ApiKey, ApiKeys, Scope
from holotype.registry.labelled_sets import (
    LabelledSet,
    LabelledText,
    read_labelled_set,
    shipped_labelled_sets,
)
from holotype.registry.measurements import BenchmarkRun, Measurement, Point, Series
from holotype.registry.model_registry import ModelRegistry
from holotype.registry.model_switcher import ModelSwitcher, Step
from holotype.registry.performance import PerformanceTracker
from holotype.registry.picture_speed import PictureProfile, measure_picture_speed
from holotype.registry.query_sets import Query, QuerySet, read_query_set, shipped_query_sets
from holotype.registry.resolving import fetch_version, load_version
from holotype.registry.running import Dataset, run_benchmark, shipped_datasets
from holotype.registry.schema import check, upgrade
from holotype.registry.serving import MemoryPlan, Prepared, Serving
from holotype.registry.speed import SpeedProfile, measure_speed
from holotype.registry.switch_plan import SwitchPlan
from holotype.registry.validating import LoadedVersion, ModelValidator
from holotype.registry.versions import Activation, KindSummary, ModelVersion, VersionPage

__all__ = [
    "SCOPES",
    "Activation",
    "ApiKey",
    "ApiKeys",
    "BenchmarkRun",
    "CheckResult",
    "ComparedMetric",
    "Comparison",
    "Database",
    "DatabaseAddressError",
    "DatabaseUnavailableError",
    "Dataset",
    "KeyNotFoundError",
    "KindSummary",
    "LabelledSet",
    "LabelledText",
    "LoadedVersion",
    "Measurement",
    "MemoryPlan",
    "MetricOfVersions",
    "ModelConfigService",
    "ModelRegistry",
    "ModelSwitcher",
    "ModelValidator",
    "ModelVersion",
    "PerformanceTracker",
    "PictureProfile",
    "Point",
    "Prepared",
    "Query",
    "QuerySet",
    "RegistryError",
    "RequestReusedError",
    "SchemaVersionError",
    "Scope",
    "Series",
    "Serving",
    "SpeedProfile",
    "StaleGenerationError",
    "Step",
    "SwitchFailedError",
    "SwitchPlan",
    "VersionCheck",
    "VersionExistsError",
    "VersionNotFoundError",
    "VersionPage",
    "VersionRejectedError",
    "VersionsCompared",
    "check",
    "describe_environment",
    "export_comparison",
    "export_runs",
    "export_versions",
    "fetch_version",
    "load_version",
    "measure_classification",
    "measure_picture_speed",
    "measure_retrieval",
    "measure_speed",
    "read_labelled_set",
    "read_query_set",
    "run_benchmark",
    "shipped_datasets",
    "shipped_labelled_sets",
    "shipped_query_sets",
    "upgrade",
]
