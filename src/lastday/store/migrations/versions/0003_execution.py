"""Batches, plans, operations and cases."""

from alembic import op

from lastday.store.migrations.revision import run_sql

revision = "0003_execution"
down_revision = "0002_world"


def upgrade() -> None:
    run_sql(op.get_bind(), revision)
