"""The tables as queries see them; the migrations make them, with triggers and views."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Float,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
)
from sqlalchemy import DateTime as SqlDateTime
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeEngine

LONGEST_KIND = 50
LONGEST_MODEL_ID = 100
LONGEST_VERSION_ID = 50
LONGEST_TEXT = 500
"""The longest reason, note, or name of an actor or a request, in characters."""


class Instant(TypeDecorator[datetime]):
    """A time in UTC with microseconds; SQLite keeps its ISO text, which sorts as the time does."""

    impl = SqlDateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Return the type of a dialect."""
        text = dialect.name == "sqlite"
        return dialect.type_descriptor(String(32) if text else SqlDateTime(timezone=True))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        """Convert a time that has a zone."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"the time {value} has no zone; pass datetime.now(UTC) or the like")
        moment = value.astimezone(UTC)
        return moment.isoformat(timespec="microseconds") if dialect.name == "sqlite" else moment

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        """Return the time in UTC."""
        if isinstance(value, str):
            value = datetime.fromisoformat(value)
        return None if value is None else value.astimezone(UTC)


KEY = BigInteger().with_variant(Integer, "sqlite")
"""An integer that the database chooses."""
DOCUMENT = JSON().with_variant(JSONB(), "postgresql")

metadata = MetaData()

model_kind = Table(
    "model_kind",
    metadata,
    Column("name", String(LONGEST_KIND), primary_key=True),
    Column("type", String(50), nullable=False),
)

model = Table(
    "model",
    metadata,
    Column("id", KEY, Identity(always=True), primary_key=True),
    Column("kind", String(LONGEST_KIND), ForeignKey("model_kind.name"), nullable=False),
    Column("model_id", String(LONGEST_MODEL_ID), nullable=False),
    UniqueConstraint("kind", "model_id"),
    UniqueConstraint("id", "kind"),
)

model_version = Table(
    "model_version",
    metadata,
    Column("id", KEY, Identity(always=True), primary_key=True),
    Column("model", KEY, nullable=False),
    Column("kind", String(LONGEST_KIND), nullable=False),
    Column("version_id", String(LONGEST_VERSION_ID), nullable=False),
    Column("reference", String(1024), nullable=False),
    Column("source_repo", String(1024), nullable=False),
    Column("checkpoint_hash", String(64), nullable=False),
    Column("fingerprint", String(71)),
    Column("embedding_dim", Integer),
    Column("inference_config", DOCUMENT, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("created_by", String(LONGEST_TEXT), nullable=False),
    CheckConstraint("length(checkpoint_hash) = 64", name="hash_is_sha256"),
    CheckConstraint("embedding_dim > 0", name="dim_is_positive"),
    UniqueConstraint("model", "version_id"),
    UniqueConstraint("id", "kind"),
    ForeignKeyConstraint(["model", "kind"], ["model.id", "model.kind"]),
    Index("version_of_kind", "kind", "id"),
    Index("version_by_name", "kind", "version_id"),
)

version_search = Table(
    "version_search",
    metadata,
    Column("version", KEY, primary_key=True, autoincrement=False),
    Column("kind", String(LONGEST_KIND), nullable=False),
    Column("searched", Text, nullable=False),
    ForeignKeyConstraint(["version", "kind"], ["model_version.id", "model_version.kind"]),
)

activation = Table(
    "activation",
    metadata,
    Column("kind", String(LONGEST_KIND), ForeignKey("model_kind.name"), primary_key=True),
    Column("generation", BigInteger, primary_key=True, autoincrement=False),
    Column("version", KEY, nullable=False),
    Column("action", String(10), nullable=False),
    Column("returns_to", BigInteger),
    Column("new_vector_space", Boolean, nullable=False),
    Column("actor", String(LONGEST_TEXT), nullable=False),
    Column("reason", String(LONGEST_TEXT), nullable=False),
    Column("request_id", String(LONGEST_TEXT), nullable=False, unique=True),
    Column("at", Instant, nullable=False),
    CheckConstraint("generation > 0", name="generation_is_positive"),
    CheckConstraint("returns_to < generation", name="returns_to_the_past"),
    CheckConstraint("action IN ('activate', 'rollback')", name="action_is_known"),
    UniqueConstraint("kind", "generation", "version"),
    ForeignKeyConstraint(["version", "kind"], ["model_version.id", "model_version.kind"]),
    ForeignKeyConstraint(["kind", "returns_to"], ["activation.kind", "activation.generation"]),
    Index("activation_at", "kind", "at"),
    Index("activation_of_version", "version"),
)

active_version = Table(
    "active_version",
    metadata,
    Column("kind", String(LONGEST_KIND), primary_key=True),
    Column("generation", BigInteger, nullable=False),
    Column("version", KEY, nullable=False),
    ForeignKeyConstraint(
        ["kind", "generation", "version"],
        ["activation.kind", "activation.generation", "activation.version"],
    ),
)

benchmark_run = Table(
    "benchmark_run",
    metadata,
    Column("id", KEY, Identity(always=True), primary_key=True),
    Column("test_run_id", String(LONGEST_MODEL_ID), nullable=False),
    Column("version", KEY, ForeignKey("model_version.id"), nullable=False),
    Column("dataset", String(LONGEST_TEXT), nullable=False),
    Column("dataset_digest", String(71), nullable=False),
    Column("environment", DOCUMENT, nullable=False),
    Column("recorded_at", Instant, nullable=False),
    UniqueConstraint("test_run_id", "version", "dataset_digest"),
    Index("run_of_version", "version", "id"),
)

measurement = Table(
    "measurement",
    metadata,
    Column("run", KEY, ForeignKey("benchmark_run.id"), primary_key=True),
    Column("metric_name", String(100), primary_key=True),
    Column("unit", String(50), nullable=False),
    Column("metric_value", Float(53), nullable=False),
    Column("n_samples", Integer, nullable=False),
    Column("ci_low", Float(53)),
    Column("ci_high", Float(53)),
    Column("higher_is_better", Boolean),
    Column("notes", Text, nullable=False),
    CheckConstraint("abs(metric_value) <= 1.7976931348623157e308", name="value_is_finite"),
    CheckConstraint("n_samples > 0", name="samples_are_positive"),
    CheckConstraint(
        "abs(ci_low) <= 1.7976931348623157e308 AND abs(ci_high) <= 1.7976931348623157e308",
        name="interval_is_finite",
    ),
    CheckConstraint("ci_low <= metric_value AND metric_value <= ci_high", name="interval_holds_it"),
)

version_check = Table(
    "version_check",
    metadata,
    Column("id", KEY, Identity(always=True), primary_key=True),
    Column("version", KEY, ForeignKey("model_version.id"), nullable=False),
    Column("outcome", String(10), nullable=False),
    Column("checks", DOCUMENT, nullable=False),
    Column("facts", DOCUMENT, nullable=False),
    Column("at", Instant, nullable=False),
    CheckConstraint("outcome IN ('passed', 'failed')", name="outcome_is_known"),
    Index("check_of_version", "version", "id"),
)

api_key = Table(
    "api_key",
    metadata,
    Column("id", KEY, Identity(always=True), primary_key=True),
    Column("name", String(LONGEST_TEXT), nullable=False),
    Column("prefix", String(20), nullable=False, unique=True),
    Column("digest", String(64), nullable=False),
    Column("scopes", String(50), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("created_by", String(LONGEST_TEXT), nullable=False),
    Column("expires_at", Instant),
    Column("revoked_at", Instant),
    Column("revoked_by", String(LONGEST_TEXT)),
    CheckConstraint("length(digest) = 64", name="digest_is_sha256"),
    CheckConstraint("(revoked_at IS NULL) = (revoked_by IS NULL)", name="revoked_by_somebody"),
)
