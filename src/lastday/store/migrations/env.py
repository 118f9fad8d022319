"""Alembic's entry: runs the revisions on the connection that `store.schema` hands over."""

from alembic import context


def run_on_given_connection() -> None:
    """The revisions have run inside the transaction of the given connection."""
    context.configure(connection=context.config.attributes["connection"], version_table="schema_version")
    context.run_migrations()


if __name__ == "env_py":  # the name under which Alembic loads this file; anybody else only imports it
    run_on_given_connection()
