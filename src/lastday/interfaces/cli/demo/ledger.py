"""The ledger: a PostgreSQL cluster of its own, with roles for accountants and a table that the leaver owns."""

import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path

import psycopg
from psycopg import sql

from lastday.interfaces.cli.demo.applications import Answer, Asked
from lastday.interfaces.cli.demo.company import LEAVER, Person, keep_secret
from lastday.interfaces.cli.demo.processes import Interruptions
from lastday.store import embedded

BOOKS = "books"
TABLE = "quarter_close"


class Ledger:
    """A second PostgreSQL server, beside the one in which Lastday keeps its own things."""

    name = "ledger"

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self._home = folder / "ledger"
        self._folder = folder
        self._environment = environment
        self._password = secrets.token_urlsafe(18)
        self._url = ""
        self._session: psycopg.Connection | None = None

    @property
    def address(self) -> str:
        return self._url

    @property
    def described(self) -> str:
        with self._as_administrator() as connection:
            row = connection.execute("SELECT current_setting('server_version')").fetchone()
        process = (self._home / "pg" / "postmaster.pid").read_text().partition("\n")[0]
        return f"PostgreSQL {row[0] if row else '?'}, socket {self._socket}, process {process}"

    def start(self, interruptions: Interruptions) -> None:
        """It takes connections."""
        self._url = interruptions.run(
            embedded.ensure_running(self._home, self._environment, others_with_passwords=True)
        )
        keep_secret(self._folder, self.name, self._url)

    def seed(self, people: Sequence[Person]) -> None:
        """Accountants have roles that may book; the leaver owns a table."""
        with self._as_administrator() as connection:
            connection.execute("CREATE ROLE ledger_rw NOLOGIN")
            connection.execute("CREATE ROLE ledger_owner NOLOGIN")
            for person in (person for person in people if person.has_books):
                _make_role(connection, person, self._password if person.number == LEAVER else secrets.token_urlsafe())
            connection.execute(f"CREATE DATABASE {BOOKS}")
        leaver = next(person for person in people if person.number == LEAVER)
        with self._as_administrator(BOOKS) as connection:
            connection.execute(f"CREATE TABLE {TABLE} (account int, amount numeric)")
            connection.execute(sql.SQL(f"ALTER TABLE {TABLE} OWNER TO {{}}").format(sql.Identifier(leaver.uid)))

    def open_session(self, person: Person) -> None:
        """The person is signed in, as on any working day."""
        self._session = self._sign_in(person)

    def ask(self, person: Person) -> Asked:
        """A sign-in as the person, the session that was open, and what the catalogue says."""
        can_sign_in, signed_in = self._try_sign_in(person)
        lives, session = self._try_session()
        roles, login = self._catalogue(person)
        answers = (
            Answer(f"sign-in as {person.uid}", signed_in),
            Answer("the session she had open", session),
            Answer("pg_roles: login, member of", f"{login}, {roles or 'nothing'}"),
            Answer(f"pg_class: owner of {TABLE}", self._owner()),
        )
        inside = can_sign_in or lives or bool(roles)
        return Asked(application=self.name, answers=answers, inside=inside)

    def stop(self) -> None:
        if self._session is not None:
            self._session.close()
            self._session = None

    @property
    def home(self) -> Path:
        return self._home

    @property
    def _socket(self) -> str:
        return str(psycopg.conninfo.conninfo_to_dict(self._url)["host"])

    def _as_administrator(self, database: str = "lastday") -> psycopg.Connection:
        return psycopg.connect(self._url, dbname=database, autocommit=True)

    def _sign_in(self, person: Person) -> psycopg.Connection:
        return psycopg.connect(
            self._url, dbname=BOOKS, user=person.uid, password=self._password, autocommit=True, connect_timeout=10
        )

    def _try_sign_in(self, person: Person) -> tuple[bool, str]:
        try:
            with self._sign_in(person):
                return True, "let in"
        except psycopg.OperationalError as refused:
            return False, f"refused: {_said(refused)}"

    def _try_session(self) -> tuple[bool, str]:
        if self._session is None:
            return False, "none"
        try:
            self._session.execute("SELECT 1")
        except psycopg.OperationalError as ended:
            return False, f"ended: {_said(ended)}"
        return True, "works"

    def _catalogue(self, person: Person) -> tuple[str, str]:
        with self._as_administrator() as connection:
            row = connection.execute(
                "SELECT r.rolcanlogin, coalesce(string_agg(g.rolname, ', ' ORDER BY g.rolname), '') FROM pg_roles r"
                " LEFT JOIN pg_auth_members m ON m.member = r.oid LEFT JOIN pg_roles g ON g.oid = m.roleid"
                " WHERE r.rolname = %s GROUP BY 1",
                (person.uid,),
            ).fetchone()
        return (str(row[1]), "yes" if row[0] else "no") if row else ("", "no such role")

    def _owner(self) -> str:
        with self._as_administrator(BOOKS) as connection:
            row = connection.execute("SELECT tableowner FROM pg_tables WHERE tablename = %s", (TABLE,)).fetchone()
        return str(row[0]) if row else "gone"


def _make_role(connection: psycopg.Connection, person: Person, password: str) -> None:
    who = sql.Identifier(person.uid)
    connection.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(who, sql.Literal(password)))
    connection.execute(sql.SQL("COMMENT ON ROLE {} IS {}").format(who, sql.Literal(person.number)))
    connection.execute(sql.SQL("GRANT ledger_rw TO {}").format(who))


def _said(error: psycopg.Error) -> str:
    """What the server said, without the address before it."""
    return str(error).strip().splitlines()[0].rpartition("FATAL:")[2].strip()
