"""What SCIM clients push, and their tokens."""

from alembic import op

from lastday.store.migrations.revision import run_sql

revision = "0005_pushed"
down_revision = "0004_evidence"


def upgrade() -> None:
    run_sql(op.get_bind(), revision)
