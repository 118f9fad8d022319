"""Memberships with their grantors: taking one from somebody must not take it from those to whom they gave it.

Before version 16 a membership was one row and its grantor a note. Since then each grantor has a row of their own, a
REVOKE must name the grantor, and what the member granted further depends on it (release notes of 16; GRANT, REVOKE).
So what was granted further is granted again by us, in the same transaction, before the member's own row goes.
"""

from dataclasses import dataclass

from psycopg import sql

from lastday.connectors.postgresql.database import Session, Statement

GRANTORS_MATTER_SINCE = 16

_GRANTS = """
SELECT g.rolname, m.rolname, b.rolname, am.admin_option, {options}
FROM pg_auth_members am
JOIN pg_roles g ON g.oid = am.roleid JOIN pg_roles m ON m.oid = am.member JOIN pg_roles b ON b.oid = am.grantor
WHERE {condition}
ORDER BY 1, 2, 3
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """`member` is in `role` because `grantor` said so."""

    role: str
    member: str
    grantor: str
    admin: bool
    inherit: bool
    set_role: bool

    def given_again(self) -> Statement:
        """The same by ourselves (version 16 and later)."""
        text = "GRANT {role} TO {member} WITH ADMIN {admin}, INHERIT {inherit}, SET {set_role}"
        return sql.SQL(text).format(
            role=sql.Identifier(self.role),
            member=sql.Identifier(self.member),
            admin=_truth(self.admin),
            inherit=_truth(self.inherit),
            set_role=_truth(self.set_role),
        )

    def taken(self) -> Statement:
        """Taken as the grantor gave it (version 16 and later); what hangs on it goes too."""
        return sql.SQL("REVOKE {} FROM {} GRANTED BY {} CASCADE").format(
            sql.Identifier(self.role), sql.Identifier(self.member), sql.Identifier(self.grantor)
        )


async def grants_to(session: Session, role: str, member: str) -> list[Grant]:
    """Every row by which `member` is in `role`."""
    return await _grants(session, "g.rolname = %s AND m.rolname = %s", role, member)


async def grants_by(session: Session, grantor: str, role: str | None = None) -> list[Grant]:
    """Every membership that `grantor` gave to others, of one role or of all."""
    if role is None:
        return await _grants(session, "b.rolname = %s", grantor)
    return await _grants(session, "b.rolname = %s AND g.rolname = %s", grantor, role)


async def statements_to_revoke(session: Session, role: str, member: str) -> list[Statement]:
    """What takes `role` from `member` alone; empty where it is not held directly."""
    held = await grants_to(session, role, member)
    if not held:
        return []
    if session.version < GRANTORS_MATTER_SINCE:
        return [sql.SQL("REVOKE {} FROM {}").format(sql.Identifier(role), sql.Identifier(member))]
    further = await grants_by(session, member, role)
    return [grant.given_again() for grant in further] + [grant.taken() for grant in held]


async def statements_to_hand_over(session: Session, grantor: str) -> list[Statement]:
    """What makes every membership that `grantor` gave ours, so that it does not go with them."""
    if session.version < GRANTORS_MATTER_SINCE:
        return []
    given = await grants_by(session, grantor)
    return [grant.given_again() for grant in given] + [grant.taken() for grant in given]


async def _grants(session: Session, condition: str, *parameters: str) -> list[Grant]:
    modern = session.version >= GRANTORS_MATTER_SINCE
    options = "am.inherit_option, am.set_option" if modern else "true, true"
    found = await session.rows(_GRANTS.format(options=options, condition=condition), *parameters)
    return [
        Grant(role=row[0], member=row[1], grantor=row[2], admin=row[3], inherit=row[4], set_role=row[5])
        for row in found
    ]


def _truth(value: bool) -> sql.SQL:  # noqa: FBT001 - it is the value itself
    return sql.SQL("TRUE") if value else sql.SQL("FALSE")
