"""Repositories of people and of the inventory, on the embedded server and on Debian's PostgreSQL 15."""

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import psycopg
import pytest

from lastday.model.access import Adopted, Deny
from lastday.model.account import (
    Account,
    AccountKind,
    ApplicationSnapshot,
    Completeness,
    Correlation,
    EntitlementRef,
    ObservedAccount,
    ObservedHolding,
    Via,
)
from lastday.model.attributes import Attributes
from lastday.model.finding import Finding, Severity
from lastday.model.identity import Engagement, EngagementStatus, Identity, IdentityKind, Lifecycle
from lastday.model.ids import (
    ApplicationName,
    Digest,
    EngagementId,
    IdentityId,
    NativeId,
    SourceName,
    UserName,
)
from lastday.store import (
    accounts,
    budgets,
    decisions,
    embedded,
    feeds,
    findings,
    held_values,
    identities,
    policies,
    schema,
    workers,
)
from lastday.store.accounts import Link, Standing
from lastday.store.database import Database, Transaction
from lastday.store.feeds import Absence, FeedRecord
from lastday.store.identities import Walked

DAY = timedelta(days=1)
T0 = datetime(2026, 11, 20, 6, tzinfo=UTC)
HR = SourceName("hr")
CHAT = ApplicationName("chat")
_numbers = count(1)


@pytest.fixture(scope="module")
def debian_server() -> Iterator[str]:
    home = Path(tempfile.mkdtemp(prefix="ld-", dir="/tmp"))
    home.chmod(0o711)
    yield asyncio.run(embedded.ensure_running(home, {"PG_BIN": "/usr/lib/postgresql/15/bin"}))
    asyncio.run(embedded.stop(home))
    shutil.rmtree(home, ignore_errors=True)


@pytest.fixture
async def debian(debian_server: str) -> AsyncIterator[Database]:
    name = f"world_{next(_numbers)}"
    with psycopg.connect(debian_server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    url = debian_server.replace("/lastday?", f"/{name}?")
    await schema.migrate(url, test_clock=True)
    async with await Database.open(url) as opened:
        yield opened


@pytest.fixture
async def tx(database: Database) -> AsyncIterator[Transaction]:
    async with database.transaction() as opened:
        yield opened


def engagement(key: str, *, who: str | None = None, **changes: object) -> Engagement:
    values: dict[str, object] = {
        "id": EngagementId(f"e-{key}"),
        "identity": IdentityId(who or f"i-{key}"),
        "source": HR,
        "key": key,
        "attributes": Attributes.of({"userName": f"u{key}", "employeeNumber": key, "title": "Clerk"}),
        "status": EngagementStatus.ACTIVE,
        "starts_at": T0 - 100 * DAY,
        "ends_at": None,
    }
    return Engagement(**(values | changes))  # type: ignore[arg-type]  # a test's shorthand


def person(*engagements: Engagement, person_key: str | None = None) -> Identity:
    return Identity(
        id=engagements[0].identity, kind=IdentityKind.EMPLOYEE, person_key=person_key, engagements=engagements
    )


def seen(native_id: str, *holdings: str, **changes: object) -> ObservedAccount:
    values: dict[str, object] = {
        "native_id": NativeId(native_id),
        "username": f"user-{native_id}",
        "enabled": True,
        "holdings": tuple(ObservedHolding(name) for name in holdings),
    }
    return ObservedAccount(**(values | changes))  # type: ignore[arg-type]  # a test's shorthand


def snapshot(at: datetime, *observed: ObservedAccount, entitlements: Sequence[str] = ()) -> ApplicationSnapshot:
    return ApplicationSnapshot(
        application=CHAT,
        taken_at=at,
        accounts=observed,
        entitlements=tuple(entitlements),
        completeness=Completeness(accounts=len(observed), pages=1, stated_total=len(observed)),
    )


async def by_native_id(tx: Transaction) -> dict[str, Account]:
    return {account.native_id: account for account in await accounts.load_accounts(tx, CHAT)}


async def rows(tx: Transaction, table: str) -> int:
    row = await tx.fetch_one(f"SELECT count(*) AS n FROM {table}")  # noqa: S608 - our own table names
    assert row is not None
    return int(row["n"])


# People


async def test_people_come_back_as_they_were_saved(tx: Transaction):
    ada = person(
        engagement("1", who="ada", ends_at=T0 + DAY, end_known_since=T0, end_accepted=True),
        engagement("2", who="ada", status=EngagementStatus.SUSPENDED, starts_at=None),
        person_key="p1",
    )
    odd = engagement("3", attributes=Attributes.of({"emails.value": ("a@x", "b@x"), "active": True, "nul": "a\0b"}))
    await identities.save_identities(tx, [ada, person(odd)], T0)
    assert await identities.load_identity(tx, IdentityId("ada")) == ada
    loaded = await identities.load_identity(tx, odd.identity)
    assert loaded is not None
    assert loaded.engagements[0].attributes["emails.value"] == ("a@x", "b@x")
    assert loaded.engagements[0].attributes.one("nul") == "a\ufffdb"
    assert await identities.identities_of_source(tx, HR) == await identities.load_identities(tx)
    assert await identities.load_identity(tx, IdentityId("nobody")) is None
    assert await identities.find_by_person_key(tx, HR, ["p1", "p2"]) == {"p1": "ada"}


async def test_saving_the_same_again_writes_nothing(tx: Transaction):
    """A second reading of the same feed has no effect (idempotent)."""
    people = [person(engagement(str(number))) for number in range(50)]
    assert len(await identities.save_identities(tx, people, T0)) == 50
    assert await identities.save_identities(tx, people, T0 + DAY) == ()
    assert await rows(tx, "engagement_version") == 50


async def test_a_change_appends_a_version_and_the_past_can_be_asked(tx: Transaction):
    """Append-only versions: what was believed when, of what was so when."""
    first = engagement("1")
    second = engagement("1", attributes=first.attributes.merged(Attributes.of({"title": "Accountant"})))
    left = engagement("1", attributes=second.attributes, status=EngagementStatus.ENDED, ends_at=T0 + 2 * DAY)
    for number, version in enumerate((first, second, left)):
        assert await identities.save_identities(tx, [person(version)], T0 + number * DAY) == (first.identity,)
    who = first.identity
    assert await identities.engagements_as_of(tx, who, T0, T0) == (first,)
    assert await identities.engagements_as_of(tx, who, T0, T0 + DAY) == (second,)
    assert await identities.engagements_as_of(tx, who, T0 + DAY, T0 + 3 * DAY) == (left,)
    assert await identities.engagements_as_of(tx, who, T0 + 2 * DAY, T0 + 3 * DAY) == ()
    assert await identities.engagements_as_of(tx, who, T0 + 2 * DAY, T0 + DAY) == (second,)
    assert await identities.engagements_as_of(tx, who, T0, T0 - DAY) == ()


async def test_a_clock_that_went_back_and_an_end_before_the_start_break_nothing(tx: Transaction):
    await identities.save_identities(tx, [person(engagement("1"))], T0)
    backwards = engagement("1", ends_at=T0 - 200 * DAY)
    await identities.save_identities(tx, [person(backwards)], T0 - DAY)
    assert (await identities.load_identities(tx))[0].engagements == (backwards,)


async def test_due_people_are_those_whose_instant_has_come(tx: Transaction):
    """The later ones wait and come at their instants."""
    await identities.save_identities(tx, [person(engagement(key)) for key in "123"], T0)
    walked = [
        Walked(identity=IdentityId(f"i-{key}"), lifecycle_seen=Lifecycle.ACTIVE, walked_until=T0, next_change_at=at)
        for key, at in (("1", T0 + DAY), ("2", None), ("3", T0))
    ]
    await identities.set_walked(tx, walked)
    assert await identities.due_identities(tx, T0) == ("i-3",)
    assert await identities.due_identities(tx, T0 + DAY) == ("i-3", "i-1")
    assert (await identities.load_walked(tx, [IdentityId("i-1")]))[IdentityId("i-1")] == walked[0]


async def test_every_holder_of_a_value_in_the_last_year_is_remembered(tx: Transaction):
    """Design 6: a hint links only if exactly one identity of the last 365 days ever held the value."""
    old = engagement("1", attributes=Attributes.of({"emails.value": "Ada@X.example"}), ends_at=T0)
    await identities.save_identities(tx, [person(old)], T0 - DAY)
    new = engagement("2", attributes=Attributes.of({"emails.value": "ada@x.example"}), starts_at=T0 + DAY)
    await identities.save_identities(tx, [person(new)], T0 + DAY)

    async def holders(now: datetime) -> tuple[IdentityId, ...]:
        found = await held_values.value_holders(tx, "emails.value", ["ADA@x.example", "none"], now - 365 * DAY)
        assert found["none"] == ()
        return found["ADA@x.example"]

    assert await holders(T0 + 300 * DAY) == ("i-1", "i-2")
    assert await holders(T0 + 400 * DAY) == ("i-2",)


async def test_a_name_given_up_is_remembered_until_it_is_old(tx: Transaction):
    """A rename: the old user name still points at the person for a year, not for ever."""
    await identities.save_identities(tx, [person(engagement("1"))], T0)
    renamed = engagement("1", attributes=Attributes.of({"userName": "new", "employeeNumber": "1"}))
    await identities.save_identities(tx, [person(renamed)], T0 + DAY)
    held = {one.value: one.until for one in await held_values.load_held(tx, ["userName"])}
    assert held == {"u1": T0 + DAY, "new": None}
    again = await held_values.value_holders(tx, "userName", ["u1"], T0 + 2 * DAY)
    assert again == {"u1": ()}


async def test_attributes_that_hints_speak_of_can_be_remembered_too(tx: Transaction):
    one = engagement("1", attributes=Attributes.of({"nickName": " Ada "}))
    await identities.save_identities(tx, [person(one)], T0, remembered=["nickName"])
    assert await held_values.value_holders(tx, "nickname", ["ADA"], T0) == {"ADA": ("i-1",)}


async def test_an_employee_number_finds_everybody_who_ever_had_it(tx: Transaction):
    """A number used again is not one person."""
    gone = engagement("a", attributes=Attributes.of({"employeeNumber": "E7"}), ends_at=T0 - DAY)
    here = engagement("b", attributes=Attributes.of({"employeeNumber": "e7"}))
    await identities.save_identities(tx, [person(gone), person(here)], T0)
    assert [one.id for one in await identities.find_by_employee_number(tx, "E7")] == ["i-b", "i-a"]
    assert await identities.find_by_employee_number(tx, "E8") == ()


async def test_feeds_keep_their_history_and_the_content_of_the_last_good_one(tx: Transaction):
    """R: the last good snapshot is kept when a feed is stopped."""
    finding = Finding(code="S100", severity=Severity.ERROR, subject="hr/3", detail="cut", deadline=T0)

    def record(at: datetime, *, accepted: bool) -> FeedRecord:
        return FeedRecord(
            source=HR,
            received_at=at,
            digest=Digest("d"),
            rows=2,
            columns=("id",),
            keys=("1", "2"),
            accepted=accepted,
            findings=(finding,),
            content=b"id\n1\n2\n",
        )

    await feeds.record_feed(tx, record(T0, accepted=True))
    await feeds.record_feed(tx, record(T0 + DAY, accepted=True))
    stopped = await feeds.record_feed(tx, record(T0 + 2 * DAY, accepted=False))
    good = await feeds.last_good_feed(tx, HR)
    assert good is not None
    assert (good.received_at, good.content, good.findings) == (T0 + DAY, b"id\n1\n2\n", (finding,))
    assert [feed.content is not None for feed in await feeds.feed_history(tx, HR)] == [True, True, False]
    await feeds.accept_feed(tx, stopped, UserName("olga"))
    good = await feeds.last_good_feed(tx, HR)
    assert good is not None
    assert (good.id, good.accepted_by) == (stopped, "olga")
    assert await feeds.last_good_feed(tx, SourceName("other")) is None


async def test_absences_are_replaced_whole(tx: Transaction):
    await feeds.save_absences(tx, HR, [Absence(key="1", since=T0, files=1), Absence(key="2", since=T0, files=1)])
    await feeds.save_absences(tx, HR, [Absence(key="1", since=T0, files=2)])
    assert await feeds.load_absences(tx, HR) == {"1": Absence(key="1", since=T0, files=2)}


# The inventory


async def test_a_complete_snapshot_opens_and_closes(tx: Transaction):
    """Design 1.3: only a complete listing says that something is gone."""
    await accounts.apply_snapshot(tx, snapshot(T0, seen("1", "group/a", "group/b"), seen("2", "group/a")), T0)
    await accounts.apply_snapshot(tx, snapshot(T0 + DAY, seen("1", "group/b"), entitlements=["group/c"]), T0 + DAY)
    found = await by_native_id(tx)
    assert (found["1"].exists, found["1"].observed) == (True, seen("1", "group/b"))
    assert found["1"].holdings_since == (("group/b", T0),)
    assert (found["2"].exists, found["2"].observed.holdings, found["2"].seen_at) == (False, (), T0)
    assert await accounts.known_entitlements(tx, CHAT) == ("group/a", "group/b", "group/c")


async def test_the_same_snapshot_again_writes_no_version(tx: Transaction):
    """A sign-in changes the last use and is no version either."""
    await accounts.apply_snapshot(tx, snapshot(T0, seen("1", "group/a")), T0)
    await accounts.apply_snapshot(tx, snapshot(T0 + DAY, seen("1", "group/a", last_used=T0)), T0 + DAY)
    assert (await rows(tx, "account_version"), await rows(tx, "holding_version")) == (1, 1)
    account = (await by_native_id(tx))["1"]
    assert (account.observed.last_used, account.seen_at, account.first_seen_at) == (T0, T0 + DAY, T0)


async def test_an_account_that_comes_back_is_the_same_account(tx: Transaction):
    await accounts.apply_snapshot(tx, snapshot(T0, seen("1")), T0)
    before = (await by_native_id(tx))["1"].id
    await accounts.apply_snapshot(tx, snapshot(T0 + DAY), T0 + DAY)
    await accounts.apply_snapshot(tx, snapshot(T0 + 2 * DAY, seen("1")), T0 + 2 * DAY)
    account = (await by_native_id(tx))["1"]
    assert (account.id, account.exists) == (before, True)
    assert await rows(tx, "account_version") == 3


async def test_a_slow_listing_does_not_bring_back_what_a_later_read_found_gone(tx: Transaction):
    """A listing that began before the read-back ends after it: the read-back is newer and stays."""
    await accounts.apply_snapshot(tx, snapshot(T0, seen("1", "group/a"), seen("2", "group/a")), T0)
    await accounts.apply_read(tx, CHAT, NativeId("1"), None, T0 + 2 * DAY)
    await accounts.apply_read(tx, CHAT, NativeId("2"), seen("2"), T0 + 2 * DAY)
    await accounts.apply_read(tx, CHAT, NativeId("3"), seen("3"), T0 + 2 * DAY)
    await accounts.apply_snapshot(tx, snapshot(T0 + DAY, seen("1", "group/a"), seen("2", "group/a")), T0 + 3 * DAY)
    found = await by_native_id(tx)
    assert (found["1"].exists, found["2"].observed.holdings, found["3"].exists) == (False, (), True)


async def test_a_single_read_says_nothing_of_others(tx: Transaction):
    await accounts.apply_snapshot(tx, snapshot(T0, seen("1", "group/a"), seen("2", "group/a")), T0)
    await accounts.apply_read(tx, CHAT, NativeId("1"), seen("1", enabled=False), T0 + DAY)
    await accounts.apply_read(tx, CHAT, NativeId("9"), None, T0 + DAY)
    found = await by_native_id(tx)
    assert (found["1"].observed.enabled, found["1"].observed.holdings) == (False, ())
    assert (found["2"].exists, found["2"].observed.holds("group/a")) == (True, True)
    assert "9" not in found


async def test_a_holding_that_changes_its_carrier_was_held_all_along(tx: Transaction):
    group = seen("1", holdings=(ObservedHolding("licence/x", Via.LICENCE_GROUP),))
    await accounts.apply_snapshot(tx, snapshot(T0, seen("1", "licence/x")), T0)
    await accounts.apply_snapshot(tx, snapshot(T0 + DAY, group), T0 + DAY)
    account = (await by_native_id(tx))["1"]
    assert account.observed.holdings == (ObservedHolding("licence/x", Via.LICENCE_GROUP),)
    assert account.holdings_since == (("licence/x", T0),)


async def test_numbers_of_any_size_and_odd_characters_lose_no_snapshot(tx: Transaction):
    """One odd value of a hostile or old directory must not blind us to the rest."""
    odd = seen("1", "a\0b", username="x\ud800", attributes=Attributes.of({"usn": 2**62, "t": ("a\0", "b")}))
    await accounts.apply_snapshot(tx, snapshot(T0, odd), T0)
    observed = (await by_native_id(tx))["1"].observed
    assert observed.attributes == Attributes.of({"usn": 2**62, "t": ("a\ufffd", "b")})
    assert observed.holds("a\ufffdb")


async def test_links_and_standings_change_with_a_history(tx: Transaction):
    await identities.save_identities(tx, [person(engagement("1"))], T0)
    await accounts.apply_snapshot(tx, snapshot(T0, seen("1"), seen("2")), T0)
    found = await by_native_id(tx)
    who, one, two = IdentityId("i-1"), found["1"].id, found["2"].id
    doubt = Link(account=one, correlation=Correlation.AMBIGUOUS, identity=None, how="two held the mail")
    sure = Link(account=one, correlation=Correlation.MATCHED, identity=who, how="employeeNumber")
    await accounts.set_links(tx, [doubt], T0)
    await accounts.set_links(tx, [sure], T0 + DAY)
    await accounts.set_links(tx, [sure], T0 + 2 * DAY)
    await accounts.set_standings(tx, [Standing(account=two, kind=AccountKind.BREAK_GLASS, protected=True)])
    found = await by_native_id(tx)
    assert (found["1"].correlation, found["1"].identity) == (Correlation.MATCHED, who)
    assert (found["2"].correlation, found["2"].kind, found["2"].protected) == (
        Correlation.UNCORRELATED,
        AccountKind.BREAK_GLASS,
        True,
    )
    assert [account.id for account in await accounts.load_accounts(tx, identity=who)] == [one]
    assert await rows(tx, "link") == 2


async def test_the_last_snapshot_is_known(tx: Transaction):
    assert await accounts.last_snapshot(tx, CHAT) is None
    await accounts.apply_snapshot(tx, snapshot(T0, seen("1"), entitlements=["group/a"]), T0)
    newest = await accounts.apply_snapshot(tx, snapshot(T0 + DAY), T0 + DAY)
    last = await accounts.last_snapshot(tx, CHAT)
    assert last is not None
    assert (last.id, last.taken_at, last.accounts) == (newest, T0 + DAY, 0)


async def test_adopted_holdings_and_denies_end(tx: Transaction):
    await identities.save_identities(tx, [person(engagement("1"))], T0)
    who, vpn = IdentityId("i-1"), EntitlementRef(CHAT, "group/vpn")
    held = Adopted(identity=who, entitlement=vpn, since=T0)
    await decisions.adopt(tx, [held, held])
    await decisions.adopt(tx, [Adopted(identity=who, entitlement=vpn, since=T0 + DAY)])
    assert await decisions.load_adopted(tx, [who]) == (held,)
    assert await decisions.end_adopted(tx, who, T0 + DAY, [EntitlementRef(CHAT, "group/other")]) == 0
    assert await decisions.end_adopted(tx, who, T0 + DAY) == 1
    assert await decisions.load_adopted(tx) == ()
    deny = Deny(identity=who, entitlement=vpn, why="review", by="olga", until=T0 + DAY)
    await decisions.add_deny(tx, deny, T0)
    assert await decisions.load_denies(tx, T0) == (deny,)
    assert await decisions.load_denies(tx, T0 + DAY) == ()
    await decisions.preserve(tx, who, "lawsuit", "lena", T0)
    assert await decisions.preserved_identities(tx) == {who}
    await decisions.end_preserve(tx, who, T0 + DAY)
    assert await decisions.preserved_identities(tx) == frozenset()


# Findings, policies, workers, budgets


async def test_a_finding_found_again_is_one_finding_with_its_first_deadline(tx: Transaction):
    """A sweep must not push the deadline ahead of itself."""

    def finding(days: int) -> Finding:
        return Finding(
            code="X1", severity=Severity.ERROR, subject="chat/1", detail=f"try {days}", deadline=T0 + days * DAY
        )

    first = await findings.open_finding(tx, finding(1), T0)
    assert await findings.open_finding(tx, finding(2), T0 + DAY) == first
    (stored,) = await findings.open_findings(tx, code="X1")
    assert (stored.finding.detail, stored.finding.deadline, stored.opened_at) == ("try 2", T0 + DAY, T0)
    assert await findings.close_findings(tx, "X1", "chat/1", T0 + 2 * DAY) == 1
    assert await findings.open_findings(tx) == ()
    assert await findings.open_finding(tx, finding(3), T0 + 3 * DAY) != first


async def test_one_policy_is_in_force_and_each_change_is_kept(tx: Transaction):
    assert await policies.active_policy(tx) is None
    assert await policies.activate_policy(tx, Digest("a"), "text a", "olga", T0)
    assert not await policies.activate_policy(tx, Digest("a"), "text a", "olga", T0 + DAY)
    assert await policies.activate_policy(tx, Digest("b"), "text b", "olga", T0 + DAY)
    active, old = await policies.active_policy(tx), await policies.load_policy(tx, Digest("a"))
    assert active is not None
    assert old is not None
    assert (active.digest, active.ended_at, old.text, old.ended_at) == ("b", None, "text a", T0 + DAY)


async def test_a_worker_is_alive_while_it_beats(database: Database):
    async with workers.presence(database, "w-1"):
        async with database.transaction() as tx:
            assert await workers.is_alive(tx, "w-1", 30)
            await tx.execute("UPDATE worker SET heartbeat_at = now() - interval '1 minute'")
            assert not await workers.is_alive(tx, "w-1", 30)
        await workers.beat(database, "w-1")
        async with database.transaction() as tx:
            assert await workers.alive(tx, 30) == ("w-1",)
    async with database.transaction() as tx:
        assert await workers.alive(tx, 30) == ()


async def test_tokens_are_promised_in_the_order_of_asking(tx: Transaction):
    """One row for all workers: nobody gets a token twice, and the rate is never exceeded."""
    waits = [await budgets.take(tx, "chat", 0.001, 2) for _ in range(4)]
    assert waits[:2] == [0, 0]
    assert 990 < waits[2] <= 1000
    assert 1990 < waits[3] <= 2000


async def test_a_block_holds_everybody(tx: Transaction):
    """Retry-After is obeyed by all workers."""
    assert await budgets.take(tx, "chat", 1000, 10) == 0
    await budgets.block(tx, "chat", 500)
    await budgets.block(tx, "chat", 5)
    assert 490 < await budgets.blocked_for(tx, "chat") <= 500
    assert await budgets.take(tx, "chat", 1000, 10) > 490
    await budgets.block(tx, "mail", 500)
    assert await budgets.take(tx, "mail", 1000, 10) > 490
    assert await budgets.blocked_for(tx, "files") == 0


# The oldest server we support


async def test_the_same_tables_and_repositories_work_on_postgresql_15(debian: Database):
    """Design 5: CI runs PostgreSQL 15 and 18."""
    async with debian.transaction() as tx:
        row = await tx.fetch_one("SHOW server_version")
        assert row is not None
        assert row["server_version"].startswith("15.")
    claims = (
        test_people_come_back_as_they_were_saved,
        test_feeds_keep_their_history_and_the_content_of_the_last_good_one,
        test_a_complete_snapshot_opens_and_closes,
        test_adopted_holdings_and_denies_end,
        test_a_finding_found_again_is_one_finding_with_its_first_deadline,
        test_one_policy_is_in_force_and_each_change_is_kept,
        test_a_block_holds_everybody,
    )
    for claim in claims:
        await _rolled_back(debian, claim)


async def _rolled_back(database: Database, claim: object) -> None:
    assert callable(claim)
    async with database.transaction() as tx:
        await claim(tx)
        await tx.execute("ROLLBACK")
