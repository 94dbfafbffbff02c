"""Checks of versions, the keys of the server, and an index that finds a version by its name."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0002"
down_revision = "0001"

_ONLY_REVOKED = (
    "OLD.revoked_at IS NOT NULL OR NEW.revoked_at IS NULL OR NEW.id <> OLD.id"
    " OR NEW.name <> OLD.name OR NEW.prefix <> OLD.prefix OR NEW.digest <> OLD.digest"
    " OR NEW.scopes <> OLD.scopes OR NEW.created_at <> OLD.created_at"
    " OR NEW.created_by <> OLD.created_by"
    " OR COALESCE(NEW.expires_at <> OLD.expires_at,"
    " NEW.expires_at IS NOT NULL OR OLD.expires_at IS NOT NULL)"
)
"""What an update of a key may not be: only a key that is not revoked may be revoked."""


def upgrade() -> None:
    """Make the tables and their triggers."""
    postgresql = op.get_bind().dialect.name == "postgresql"
    _make_tables(postgresql)
    for statement in _POSTGRESQL if postgresql else _SQLITE:
        op.execute(statement)


def _make_tables(postgresql: bool) -> None:
    key = sa.BigInteger() if postgresql else sa.Integer()
    document = JSONB() if postgresql else sa.JSON()
    instant = sa.DateTime(timezone=True) if postgresql else sa.String(32)
    op.create_index("version_by_name", "model_version", ["kind", "version_id"])
    op.create_table(
        "version_check",
        sa.Column("id", key, sa.Identity(always=True), primary_key=True),
        sa.Column("version", key, sa.ForeignKey("model_version.id"), nullable=False),
        sa.Column("outcome", sa.String(10), nullable=False),
        sa.Column("checks", document, nullable=False),
        sa.Column("facts", document, nullable=False),
        sa.Column("at", instant, nullable=False),
        sa.CheckConstraint("outcome IN ('passed', 'failed')", name="outcome_is_known"),
    )
    op.create_index("check_of_version", "version_check", ["version", "id"])
    op.create_table(
        "api_key",
        sa.Column("id", key, sa.Identity(always=True), primary_key=True),
        sa.Column("name", sa.String(500), nullable=False),
        sa.Column("prefix", sa.String(20), nullable=False, unique=True),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("scopes", sa.String(50), nullable=False),
        sa.Column("created_at", instant, nullable=False),
        sa.Column("created_by", sa.String(500), nullable=False),
        sa.Column("expires_at", instant),
        sa.Column("revoked_at", instant),
        sa.Column("revoked_by", sa.String(500)),
        sa.CheckConstraint("length(digest) = 64", name="digest_is_sha256"),
        sa.CheckConstraint(
            "(revoked_at IS NULL) = (revoked_by IS NULL)", name="revoked_by_somebody"
        ),
    )


_POSTGRESQL = (
    *(
        f"CREATE TRIGGER keep_rows BEFORE {change} ON {table} "
        "FOR EACH ROW EXECUTE FUNCTION holotype_refuse()"
        for table, change in (("version_check", "UPDATE OR DELETE"), ("api_key", "DELETE"))
    ),
    *(
        f"CREATE TRIGGER keep_table BEFORE TRUNCATE ON {table} "
        "FOR EACH STATEMENT EXECUTE FUNCTION holotype_refuse()"
        for table in ("version_check", "api_key")
    ),
    f"CREATE TRIGGER keep_values BEFORE UPDATE ON api_key FOR EACH ROW WHEN ({_ONLY_REVOKED}) "
    "EXECUTE FUNCTION holotype_refuse()",
)

_SQLITE = tuple(
    f"CREATE TRIGGER {table}_{change.lower()} BEFORE {change} ON {table} {when} "
    f"BEGIN SELECT RAISE(ABORT, 'rows of {table} never change'); END"
    for table, change, when in (
        ("version_check", "UPDATE", ""),
        ("version_check", "DELETE", ""),
        ("api_key", "DELETE", ""),
        ("api_key", "UPDATE", f"WHEN {_ONLY_REVOKED}"),
    )
)
