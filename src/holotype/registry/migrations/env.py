"""Runs migrations in the transaction that `holotype.registry.schema` has begun."""

from alembic import context

# SQLite, too, undoes changes of tables: the transaction was begun by hand.
context.configure(transactional_ddl=True, **context.config.attributes)
context.run_migrations()
