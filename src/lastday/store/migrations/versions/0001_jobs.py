"""The tables of Procrastinate 3.10, as they were when this revision was made."""

from alembic import op

from lastday.store.migrations.revision import run_sql

revision = "0001_jobs"
down_revision = None


def upgrade() -> None:
    run_sql(op.get_bind(), revision)
