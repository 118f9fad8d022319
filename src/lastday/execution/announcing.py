"""Announcements: two people say beforehand who will leave and when, so that it surprises nobody then.

The people are named when it is made, also where a filter finds them: what is signed is a list, not a condition.
"""

from collections.abc import Sequence
from datetime import datetime

from lastday.configuration.settings import UserSettings
from lastday.evidence.entries import EntryDraft, EntryKind, append
from lastday.execution.decisions import ASSERTED, require_decider
from lastday.execution.engine import Engine
from lastday.execution.people import load_people
from lastday.filters.parser import parse
from lastday.filters.predicate import compile_predicate
from lastday.model.canonical import JsonValue, short_id
from lastday.model.errors import DecisionRefused, InputError
from lastday.model.ids import IdentityId
from lastday.policy.view import identity_views
from lastday.store import announcements
from lastday.store.announcements import StoredAnnouncement
from lastday.store.database import Transaction


async def people_matching(engine: Engine, condition: str) -> tuple[IdentityId, ...]:
    """Everybody of whom the SCIM filter is true now, for any of their engagements. Raises FilterError."""
    predicate = compile_predicate(parse(condition))
    now = engine.clock.now()
    async with engine.database.transaction() as tx:
        people = await load_people(tx)
    return tuple(p.id for p in people if any(predicate(view, now) for view in identity_views(p, now)))


async def announce(
    engine: Engine, cause: str, identities: Sequence[IdentityId], since: datetime, until: datetime, user: UserSettings
) -> StoredAnnouncement:
    """The first of two signatures: these people are expected to leave in this time. It is not in force yet."""
    require_decider(user)
    _refuse_empty(identities, since, until, engine.clock.now())
    now = engine.clock.now()
    announcement = StoredAnnouncement(
        id=short_id("an", cause, *sorted(identities), since.isoformat(), until.isoformat(), user.name, now.isoformat()),
        cause=cause,
        identities=tuple(sorted(set(identities))),
        since=since,
        until=until,
        first_by=user.name,
        first_at=now,
    )
    async with engine.database.transaction() as tx:
        await announcements.save_announcement(tx, announcement)
        await _note(engine, tx, announcement, user, signatures=1)
    return announcement


def _refuse_empty(identities: Sequence[IdentityId], since: datetime, until: datetime, now: datetime) -> None:
    if not identities:
        raise InputError("the announcement names nobody", code="I111", mend="Name people with --person or --filter.")
    if since >= until or until <= now:
        raise InputError(
            f"from {since.isoformat()} until {until.isoformat()} is no time to come",
            code="I112",
            mend="--from lies before --until, and --until in the future.",
        )


async def sign_announcement(engine: Engine, announcement_id: str, user: UserSettings) -> StoredAnnouncement:
    """The second signature, by another person: the announcement is in force. Raises DecisionRefused."""
    require_decider(user)
    now = engine.clock.now()
    async with engine.database.transaction() as tx:
        found = await announcements.load_announcement(tx, announcement_id)
        if found is None:
            raise DecisionRefused(f"there is no announcement {announcement_id}", code="D104")
        if found.first_by == user.name:
            raise DecisionRefused(
                f"{user.name} gave the first signature; the second must be somebody else's",
                code="D105",
                effect="It is not in force.",
            )
        if found.second_by is not None or found.until <= now:
            raise DecisionRefused(f"announcement {announcement_id} is signed already, or over", code="D106")
        await announcements.sign_announcement(tx, announcement_id, user.name, now)
        await _note(engine, tx, found, user, signatures=2)
    return found


async def _note(
    engine: Engine, tx: Transaction, announcement: StoredAnnouncement, user: UserSettings, *, signatures: int
) -> None:
    body: dict[str, JsonValue] = {
        "announcement": announcement.id,
        "identities": list(announcement.identities),
        "from": announcement.since.isoformat(),
        "until": announcement.until.isoformat(),
        "cause": announcement.cause,
        "by": user.name,
        "signatures": signatures,
        "how": ASSERTED,
    }
    await append(tx, EntryDraft(kind=EntryKind.DECISION, at=engine.clock.now(), body=body), engine.stamp)
