"""What every revision does: run its file of SQL as it stands."""

from importlib import resources

from sqlalchemy.engine import Connection


def run_sql(connection: Connection, name: str) -> None:
    """All statements of `sql/<name>.sql` have run in the connection's transaction.

    They go through psycopg's own connection, because SQLAlchemy would read percent signs and forbid several statements.
    """
    text = (resources.files("lastday.store.migrations") / "sql" / f"{name}.sql").read_text(encoding="utf-8")
    driver = connection.connection.driver_connection
    if driver is None:
        raise RuntimeError("the connection was closed")
    driver.execute(text)
