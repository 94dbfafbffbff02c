"""The versions of the tables; released ones never change."""
