"""Roles as accounts and as entitlements, read from the catalogue in one statement."""

import re
from dataclasses import dataclass

from lastday.connectors.postgresql.database import Row, Session
from lastday.model.account import ObservedAccount, ObservedHolding, Via
from lastday.model.attributes import Attributes
from lastday.model.errors import AnswerUnusable
from lastday.model.ids import NativeId

PREFIX = "role/"
LOGIN_OFF = "lastday:login-off"
"""Comment for a role that had none and was disabled: without it, it would no longer look like an account."""
BOOTSTRAP_OID = 10
_ONE_WORD = re.compile(r"\S+\Z")

_READ = """
WITH RECURSIVE held(member, roleid, direct) AS (
    SELECT member, roleid, true FROM pg_auth_members
    UNION
    SELECT h.member, m.roleid, false FROM held h JOIN pg_auth_members m ON m.member = h.roleid
), best AS (
    SELECT h.member, r.rolname, bool_or(h.direct) AS direct
    FROM held h JOIN pg_roles r ON r.oid = h.roleid GROUP BY h.member, r.rolname
)
SELECT r.oid::bigint, r.rolname, r.rolcanlogin, r.rolvaliduntil IS NULL OR r.rolvaliduntil > now(),
       shobj_description(r.oid, 'pg_authid'), r.rolsuper, r.rolcreaterole, r.rolcreatedb, r.rolreplication,
       r.rolbypassrls, r.rolvaliduntil::text,
       ARRAY(SELECT b.rolname::text FROM best b WHERE b.member = r.oid AND b.direct),
       ARRAY(SELECT b.rolname::text FROM best b WHERE b.member = r.oid AND NOT b.direct)
FROM pg_roles r
WHERE r.rolname NOT LIKE 'pg\\_%%' AND {condition}
ORDER BY r.oid
"""
_ENTITLEMENTS = """
SELECT r.rolname FROM pg_roles r
WHERE NOT r.rolcanlogin OR EXISTS (SELECT 1 FROM pg_auth_members m WHERE m.roleid = r.oid)
ORDER BY r.rolname
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """One role of the cluster."""

    oid: int
    name: str
    can_login: bool
    still_valid: bool
    """No VALID UNTIL, or one that lies ahead."""
    comment: str | None
    superuser: bool
    create_role: bool
    create_database: bool
    replication: bool
    bypass_rls: bool
    valid_until: str | None
    direct: tuple[str, ...]
    through: tuple[str, ...]

    @property
    def is_account(self) -> bool:
        """It signs in, or did: a comment of one word is an employee number, a sentence is about a group."""
        return self.can_login or (self.comment is not None and _ONE_WORD.match(self.comment) is not None)

    def as_account(self) -> ObservedAccount:
        return ObservedAccount(
            native_id=NativeId(str(self.oid)),
            username=self.name,
            enabled=self.can_login and self.still_valid,
            attributes=Attributes.of(
                {
                    "rolname": self.name,
                    "comment": self.comment if self.comment != LOGIN_OFF else None,
                    "rolsuper": self.superuser or None,
                    "rolcreaterole": self.create_role or None,
                    "rolcreatedb": self.create_database or None,
                    "rolreplication": self.replication or None,
                    "rolbypassrls": self.bypass_rls or None,
                    "rolvaliduntil": self.valid_until,
                }
            ),
            holdings=tuple(
                sorted(
                    [ObservedHolding(PREFIX + name) for name in self.direct]
                    + [ObservedHolding(PREFIX + name, Via.GROUP) for name in self.through]
                )
            ),
        )


async def read_accounts(session: Session) -> list[Role]:
    """Every role that is an account. One statement: what it shows is of one moment, or an error."""
    return [role for role in map(_role, await session.rows(_READ.format(condition="true"))) if role.is_account]


async def read_role(session: Session, native_id: NativeId) -> Role | None:
    """The role with this oid, whatever it is called now; None where there is none. Raises AnswerUnusable."""
    found = await session.rows(_READ.format(condition="r.oid::bigint = %s"), oid_of(native_id))
    return _role(found[0]) if found else None


def oid_of(native_id: NativeId) -> int:
    """The oid that `native_id` writes. Raises AnswerUnusable."""
    if not native_id.isascii() or not native_id.isdigit():
        raise AnswerUnusable(f"{native_id!r} is not the oid of a role")
    return int(native_id)


async def find_roles(session: Session, attribute: str, value: str) -> list[Role]:
    """The accounts with this name or comment."""
    condition = {
        "rolname": "r.rolname = %s",
        "username": "r.rolname = %s",
        "comment": "shobj_description(r.oid, 'pg_authid') = %s",
    }[attribute.lower()]
    return [
        role for role in map(_role, await session.rows(_READ.format(condition=condition), value)) if role.is_account
    ]


async def role_exists(session: Session, name: str) -> bool:
    """A role of this name is there, account or not."""
    return bool(await session.rows("SELECT 1 FROM pg_roles WHERE rolname = %s", name))


async def read_entitlements(session: Session) -> list[str]:
    """The names of everything that can be granted: roles that do not sign in, and those somebody is in already."""
    return [PREFIX + str(row[0]) for row in await session.rows(_ENTITLEMENTS)]


def _role(row: Row) -> Role:
    return Role(
        oid=row[0],
        name=row[1],
        can_login=row[2],
        still_valid=row[3],
        comment=row[4],
        superuser=row[5],
        create_role=row[6],
        create_database=row[7],
        replication=row[8],
        bypass_rls=row[9],
        valid_until=row[10],
        direct=tuple(row[11]),
        through=tuple(row[12]),
    )
