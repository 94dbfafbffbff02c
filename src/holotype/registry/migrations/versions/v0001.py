"""The first tables: versions, activations, measurements, and the views `models` and the like."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0001"
down_revision = None

_KEPT = ("model_kind", "model", "model_version", "activation", "benchmark_run", "measurement")
"""Tables whose rows never change."""


def upgrade() -> None:
    """Make all tables, triggers and views."""
    postgresql = op.get_bind().dialect.name == "postgresql"
    _make_tables(postgresql)
    for statement in (*(_POSTGRESQL if postgresql else _sqlite()), _PERFORMANCE_VIEW):
        op.execute(statement)


def _make_tables(postgresql: bool) -> None:
    key = sa.BigInteger() if postgresql else sa.Integer()
    document = JSONB() if postgresql else sa.JSON()
    instant = sa.DateTime(timezone=True) if postgresql else sa.String(32)
    op.create_table(
        "model_kind",
        sa.Column("name", sa.String(50), primary_key=True),
        sa.Column("type", sa.String(50), nullable=False),
    )
    op.create_table(
        "model",
        sa.Column("id", key, sa.Identity(always=True), primary_key=True),
        sa.Column("kind", sa.String(50), sa.ForeignKey("model_kind.name"), nullable=False),
        sa.Column("model_id", sa.String(100), nullable=False),
        sa.UniqueConstraint("kind", "model_id"),
        sa.UniqueConstraint("id", "kind"),
    )
    op.create_table(
        "model_version",
        sa.Column("id", key, sa.Identity(always=True), primary_key=True),
        sa.Column("model", key, nullable=False),
        sa.Column("kind", sa.String(50), nullable=False),
        sa.Column("version_id", sa.String(50), nullable=False),
        sa.Column("reference", sa.String(1024), nullable=False),
        sa.Column("source_repo", sa.String(1024), nullable=False),
        sa.Column("checkpoint_hash", sa.String(64), nullable=False),
        sa.Column("fingerprint", sa.String(71)),
        sa.Column("embedding_dim", sa.Integer),
        sa.Column("inference_config", document, nullable=False),
        sa.Column("created_at", instant, nullable=False),
        sa.Column("created_by", sa.String(500), nullable=False),
        sa.CheckConstraint("length(checkpoint_hash) = 64", name="hash_is_sha256"),
        sa.CheckConstraint("embedding_dim > 0", name="dim_is_positive"),
        sa.UniqueConstraint("model", "version_id"),
        sa.UniqueConstraint("id", "kind"),
        sa.ForeignKeyConstraint(["model", "kind"], ["model.id", "model.kind"]),
    )
    op.create_index("version_of_kind", "model_version", ["kind", "id"])
    op.create_table(
        "activation",
        sa.Column("kind", sa.String(50), sa.ForeignKey("model_kind.name"), primary_key=True),
        sa.Column("generation", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("version", key, nullable=False),
        sa.Column("action", sa.String(10), nullable=False),
        sa.Column("returns_to", sa.BigInteger),
        sa.Column("new_vector_space", sa.Boolean, nullable=False),
        sa.Column("actor", sa.String(500), nullable=False),
        sa.Column("reason", sa.String(500), nullable=False),
        sa.Column("request_id", sa.String(500), nullable=False, unique=True),
        sa.Column("at", instant, nullable=False),
        sa.CheckConstraint("generation > 0", name="generation_is_positive"),
        sa.CheckConstraint("returns_to < generation", name="returns_to_the_past"),
        sa.CheckConstraint("action IN ('activate', 'rollback')", name="action_is_known"),
        sa.UniqueConstraint("kind", "generation", "version"),
        sa.ForeignKeyConstraint(["version", "kind"], ["model_version.id", "model_version.kind"]),
        sa.ForeignKeyConstraint(
            ["kind", "returns_to"], ["activation.kind", "activation.generation"]
        ),
    )
    op.create_index("activation_at", "activation", ["kind", "at"])
    op.create_index("activation_of_version", "activation", ["version"])
    op.create_table(
        "active_version",
        sa.Column("kind", sa.String(50), primary_key=True),
        sa.Column("generation", sa.BigInteger, nullable=False),
        sa.Column("version", key, nullable=False),
        sa.ForeignKeyConstraint(
            ["kind", "generation", "version"],
            ["activation.kind", "activation.generation", "activation.version"],
        ),
    )
    op.create_table(
        "benchmark_run",
        sa.Column("id", key, sa.Identity(always=True), primary_key=True),
        sa.Column("test_run_id", sa.String(100), nullable=False),
        sa.Column("version", key, sa.ForeignKey("model_version.id"), nullable=False),
        sa.Column("dataset", sa.String(500), nullable=False),
        sa.Column("dataset_digest", sa.String(71), nullable=False),
        sa.Column("environment", document, nullable=False),
        sa.Column("recorded_at", instant, nullable=False),
        sa.UniqueConstraint("test_run_id", "version", "dataset_digest"),
    )
    op.create_index("run_of_version", "benchmark_run", ["version", "id"])
    largest = 1.7976931348623157e308
    op.create_table(
        "measurement",
        sa.Column("run", key, sa.ForeignKey("benchmark_run.id"), primary_key=True),
        sa.Column("metric_name", sa.String(100), primary_key=True),
        sa.Column("unit", sa.String(50), nullable=False),
        sa.Column("metric_value", sa.Float(53), nullable=False),
        sa.Column("n_samples", sa.Integer, nullable=False),
        sa.Column("ci_low", sa.Float(53)),
        sa.Column("ci_high", sa.Float(53)),
        sa.Column("higher_is_better", sa.Boolean),
        sa.Column("notes", sa.Text, nullable=False),
        # NaN is larger than every number to PostgreSQL, and NULL to SQLite.
        sa.CheckConstraint(f"abs(metric_value) <= {largest}", name="value_is_finite"),
        sa.CheckConstraint("n_samples > 0", name="samples_are_positive"),
        sa.CheckConstraint(
            f"abs(ci_low) <= {largest} AND abs(ci_high) <= {largest}", name="interval_is_finite"
        ),
        sa.CheckConstraint(
            "ci_low <= metric_value AND metric_value <= ci_high", name="interval_holds_it"
        ),
    )


def _view(history: str) -> str:
    return f"""
CREATE VIEW models AS
SELECT v.id, m.model_id, v.version_id, v.kind AS model_type, v.source_repo, v.checkpoint_hash,
  v.inference_config, {history} AS change_history, v.created_at, (c.version IS NOT NULL) AS is_active
FROM model_version v
JOIN model m ON m.id = v.model
LEFT JOIN active_version c ON c.kind = v.kind AND c.version = v.id
"""  # noqa: S608 no value of a user is in it


_PERFORMANCE_VIEW = """
CREATE VIEW model_performance AS
SELECT v.kind AS model_type, v.version_id, r.test_run_id, x.metric_name, x.metric_value,
  r.recorded_at, x.notes
FROM measurement x
JOIN benchmark_run r ON r.id = x.run
JOIN model_version v ON v.id = r.version
"""

_POSTGRESQL = (
    """
CREATE FUNCTION holotype_refuse() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'rows of % never change', TG_TABLE_NAME; END $$
""",
    *(
        f"CREATE TRIGGER keep_rows BEFORE UPDATE OR DELETE ON {table} "
        "FOR EACH ROW EXECUTE FUNCTION holotype_refuse()"
        for table in _KEPT
    ),
    *(
        f"CREATE TRIGGER keep_table BEFORE TRUNCATE ON {table} "
        "FOR EACH STATEMENT EXECUTE FUNCTION holotype_refuse()"
        for table in (*_KEPT, "active_version")
    ),
    "CREATE TRIGGER keep_rows BEFORE DELETE ON active_version "
    "FOR EACH ROW EXECUTE FUNCTION holotype_refuse()",
    "CREATE TRIGGER keep_order BEFORE UPDATE ON active_version FOR EACH ROW "
    "WHEN (NEW.kind <> OLD.kind OR NEW.generation <> OLD.generation + 1) "
    "EXECUTE FUNCTION holotype_refuse()",
    """
CREATE FUNCTION holotype_tell() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  PERFORM pg_notify('holotype',
    json_build_object('kind', NEW.kind, 'generation', NEW.generation)::text);
  RETURN NEW;
END $$
""",
    "CREATE TRIGGER tell AFTER INSERT OR UPDATE ON active_version "
    "FOR EACH ROW EXECUTE FUNCTION holotype_tell()",
    _view(
        "COALESCE((SELECT jsonb_agg(jsonb_build_object('generation', a.generation, "
        "'action', a.action, 'at', a.at, 'actor', a.actor, 'reason', a.reason) "
        "ORDER BY a.generation) FROM activation a WHERE a.version = v.id), '[]'::jsonb)",
    ),
)


def _sqlite() -> tuple[str, ...]:
    def refuse(table: str, change: str, when: str = "") -> str:
        return (
            f"CREATE TRIGGER {table}_{change.lower()} BEFORE {change} ON {table} {when} "
            f"BEGIN SELECT RAISE(ABORT, 'rows of {table} never change'); END"
        )

    return (
        *(refuse(table, change) for table in _KEPT for change in ("UPDATE", "DELETE")),
        refuse("active_version", "DELETE"),
        refuse(
            "active_version",
            "UPDATE",
            "WHEN NEW.kind <> OLD.kind OR NEW.generation <> OLD.generation + 1",
        ),
        _view(
            "(SELECT json_group_array(json_object('generation', a.generation, 'action', a.action, "
            "'at', a.at, 'actor', a.actor, 'reason', a.reason)) FROM (SELECT * FROM activation "
            "WHERE version = v.id ORDER BY generation) a)",
        ),
    )
