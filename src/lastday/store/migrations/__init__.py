"""Alembic's folder: revisions in `versions/`, each of them one file of plain SQL in `sql/`."""
