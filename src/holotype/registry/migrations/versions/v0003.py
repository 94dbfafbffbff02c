"""What can be searched of a version, as one text, with an index on PostgreSQL."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

_N_AT_ONCE = 5_000


def upgrade() -> None:
    """Make the table, fill it for the versions that there are, and keep its rows."""
    connection = op.get_bind()
    postgresql = connection.dialect.name == "postgresql"
    key = sa.BigInteger() if postgresql else sa.Integer()
    made = op.create_table(
        "version_search",
        sa.Column("version", key, primary_key=True, autoincrement=False),
        sa.Column("kind", sa.String(50), nullable=False),
        sa.Column("searched", sa.Text, nullable=False),
        sa.ForeignKeyConstraint(["version", "kind"], ["model_version.id", "model_version.kind"]),
    )
    _fill(connection, made)
    for statement in _POSTGRESQL if postgresql else _SQLITE:
        op.execute(statement)


def _fill(connection: sa.Connection, made: sa.Table) -> None:
    query = sa.text(
        "SELECT v.id, v.kind, m.model_id, v.version_id, v.reference, v.source_repo "
        "FROM model_version v JOIN model m ON m.id = v.model "
        "WHERE v.id > :last ORDER BY v.id LIMIT :n"
    )
    last = 0
    while rows := connection.execute(query, {"last": last, "n": _N_AT_ONCE}).all():
        last = rows[-1].id
        texts = [
            {
                "version": row.id,
                "kind": row.kind,
                "searched": (
                    f"{row.model_id}/{row.version_id}\n{row.reference}\n{row.source_repo}"
                ).casefold(),
            }
            for row in rows
        ]
        connection.execute(sa.insert(made), texts)


_POSTGRESQL = (
    """
CREATE FUNCTION holotype_parts(searched text) RETURNS tsvector
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE COST 10000 AS $$
  SELECT array_to_tsvector(
    ARRAY(SELECT substr(searched, at, 3) FROM generate_series(1, length(searched)) at))
$$
""",
    # Rows come one by one, and a list of those that wait would be read in every search.
    "CREATE INDEX version_search_parts ON version_search USING gin (holotype_parts(searched)) "
    "WITH (fastupdate = off)",
    "CREATE TRIGGER keep_rows BEFORE UPDATE OR DELETE ON version_search "
    "FOR EACH ROW EXECUTE FUNCTION holotype_refuse()",
    "CREATE TRIGGER keep_table BEFORE TRUNCATE ON version_search "
    "FOR EACH STATEMENT EXECUTE FUNCTION holotype_refuse()",
)

_SQLITE = tuple(
    f"CREATE TRIGGER version_search_{change.lower()} BEFORE {change} ON version_search "
    "BEGIN SELECT RAISE(ABORT, 'rows of version_search never change'); END"
    for change in ("UPDATE", "DELETE")
)
