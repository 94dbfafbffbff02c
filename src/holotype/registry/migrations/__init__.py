"""Alembic's environment: one file for each version of the tables, oldest first."""
