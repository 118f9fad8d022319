"""People, feeds, accounts, policy versions and findings."""

from alembic import op

from lastday.store.migrations.revision import run_sql

revision = "0002_world"
down_revision = "0001_jobs"


def upgrade() -> None:
    run_sql(op.get_bind(), revision)
