"""The evidence log."""

from alembic import op

from lastday.store.migrations.revision import run_sql

revision = "0004_evidence"
down_revision = "0003_execution"


def upgrade() -> None:
    run_sql(op.get_bind(), revision)
