"""Somebody new has the name and mail of somebody who leaves, in either order; people come back (acceptance 3)."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

import pytest

from tests.journeys.northwind import (
    FIRST_LOAD,
    SECOND_LOAD,
    Northwind,
    Picture,
    open_northwind,
    people_of,
    small_company,
    wished_groups,
)
from tests.servers.slapd import LASTDAY_DN, group

pytestmark = pytest.mark.timeout(400)
either_order = pytest.mark.xdist_group("journey joiner first")
other_order = pytest.mark.xdist_group("journey leaver first")

OLD, NEW = "E10245", "E20100"
AWAY = ("E10469", "E10630", "E11421", "E12254")
SECOND = {row["employee_id"]: row for row in people_of("people-2026-11-23.csv")}
REHIRED = {row["employee_id"]: row for row in people_of("people-2027-02-01.csv")}
ACCOUNTANT = {"job_title": "Accountant", "department": "Finance", "cost_center": "CC2000"}

Rows = list[dict[str, str]]


def with_rows(rows: Rows, *changed: dict[str, str]) -> Rows:
    """The rows with these in place of those of the same number, or behind them."""
    numbers = {row["employee_id"] for row in changed}
    return [*(row for row in rows if row["employee_id"] not in numbers), *changed]


def ended(row: dict[str, str], day: str) -> dict[str, str]:
    return {**row, "end_date": day, "status": "terminated", "termination_reason": "resigned", "last_working_moment": ""}


@dataclass
class Seen:
    """A picture after each step, and what was written to the old namesake's accounts in between."""

    world: Northwind
    steps: dict[str, Picture]
    old_dn: str
    old_id: str

    def writes_on_old(self) -> int:
        """Writes by us on the directory entry and the SCIM user of the older of the two."""
        directory = [w for w in self.world.directory.writes(by=LASTDAY_DN) if w.dn.lower() == self.old_dn.lower()]
        return len(directory) + len([r for r in self.world.chat.writes() if self.old_id in r.path])


def open_seen(stack: ExitStack, rows: Sequence[dict[str, str]]) -> Seen:
    world = open_northwind(stack, rows=[row for row in rows if row["start_date"] < "2026-11-20"])
    world.directory.add(group("legacy", [LASTDAY_DN]))
    world.deliver_rows(rows)
    before = world.picture()
    world.lastday("source", "read", "hr", "--accept", at=FIRST_LOAD)
    world.settle(at=FIRST_LOAD)
    entry, user = before.entry(OLD), before.in_chat(OLD)
    assert entry is not None
    assert user is not None
    return Seen(world, {"before": before, "first": world.picture()}, entry.dn, user["id"])


def enter_legacy(world: Northwind, number: str) -> None:
    """Somebody else puts the person into a group that nothing here manages."""
    entry = world.entry(number)
    assert entry is not None
    world.directory.modify(
        f"dn: cn=legacy,ou=groups,dc=northwind,dc=example\nchangetype: modify\nadd: member\nmember: {entry.dn}\n"
    )


CLONE = {
    **SECOND["E20101"], "employee_id": "E20102", "full_name": "Ida Okoro", "given_name": "Ida",
    "family_name": "Okoro", "work_email": "ida.okoro@northwind.example", "person_key": "00ida0ka78",
}  # fmt: skip


@pytest.fixture(scope="module")
def joiner_first() -> Iterator[Seen]:
    """The namesake begins while the other still works; two others come back within and after the keep time."""
    with ExitStack() as stack:
        rows = with_rows(small_company(OLD, *AWAY), SECOND["E20101"], CLONE)
        seen = open_seen(stack, rows)
        world = seen.world
        rows = with_rows(rows, SECOND[NEW])
        seen.steps["joined"] = world.step(rows, at=SECOND_LOAD)
        assert seen.writes_on_old() == 0
        for number in ("E20101", "E20102"):
            enter_legacy(world, number)
        back = [{**row, "status": "active"} for row in rows if row["employee_id"] in AWAY]
        rows = with_rows(rows, ended(SECOND[OLD], "2026-11-24"), *back)
        seen.steps["left"] = world.step(rows, at="2026-11-25T06:00:00Z")
        rows = with_rows(rows, ended(SECOND["E20101"], "2027-01-15"), ended(CLONE, "2027-01-15"))
        seen.steps["both left"] = world.step(rows, at="2027-01-16T06:00:00Z")
        rows = with_rows(rows, {**REHIRED["E20150"], **ACCOUNTANT})
        seen.steps["within"] = world.step(rows, at="2027-02-01T06:00:00Z")
        world.settle(at="2027-02-20T06:00:00Z")
        seen.steps["deleted"] = world.picture()
        rows = with_rows(rows, {**CLONE, "employee_id": "E20151", "start_date": "2027-02-21"})
        seen.steps["after"] = world.step(rows, at="2027-02-21T06:00:00Z")
        yield seen


@pytest.fixture(scope="module")
def leaver_first() -> Iterator[Seen]:
    """The namesake begins after the other has left; one file tells that somebody left and came back."""
    with ExitStack() as stack:
        rows = small_company(OLD)
        seen = open_seen(stack, rows)
        world = seen.world
        rows = with_rows(rows, SECOND[OLD], SECOND["E20101"])
        seen.steps["left"] = world.step(rows, at=SECOND_LOAD)
        enter_legacy(world, "E20101")
        before = seen.writes_on_old()
        rows = with_rows(rows, SECOND[NEW])
        seen.steps["joined"] = world.step(rows, at="2026-11-25T06:00:00Z")
        assert seen.writes_on_old() == before
        rows = with_rows(rows, REHIRED["E20101"], {**REHIRED["E20150"], **ACCOUNTANT})
        seen.steps["rehired"] = world.step(rows, at="2027-02-01T06:00:00Z")
        yield seen


def account_of_their_own(seen: Seen, step: str) -> None:
    """The newer namesake has accounts with the next name, the older one's are others."""
    picture = seen.steps[step]
    entry, user = picture.entry(NEW), picture.in_chat(NEW)
    assert entry is not None
    assert user is not None
    assert entry.dn != seen.old_dn
    assert entry["uid"][0].startswith("rui.dasilva")
    assert user["id"] != seen.old_id
    assert user["userName"] != SECOND[NEW]["work_email"]
    assert picture.in_directory(NEW) == (True, frozenset(wished_groups(SECOND[NEW])))
    assert user["active"] is True


def out(seen: Seen, step: str, number: str) -> None:
    assert seen.steps[step].in_directory(number) == (False, frozenset())
    user = seen.steps[step].in_chat(number)
    assert user is None or user["active"] is False


@either_order
def test_joiner_first_gets_accounts_of_their_own(joiner_first):
    """No write ever reaches the older one's accounts while they stay; after that they go off, and only they."""
    account_of_their_own(joiner_first, "joined")
    assert joiner_first.steps["joined"].without({NEW, "E20101", "E20102"}) == joiner_first.steps["first"].without(())
    account_of_their_own(joiner_first, "left")
    out(joiner_first, "left", OLD)


@other_order
def test_leaver_first_stays_out_when_the_namesake_begins(leaver_first):
    out(leaver_first, "left", OLD)
    out(leaver_first, "joined", OLD)
    account_of_their_own(leaver_first, "joined")
    assert leaver_first.steps["joined"].entry(OLD) == leaver_first.steps["left"].entry(OLD)
    assert leaver_first.steps["joined"].in_chat(OLD) == leaver_first.steps["left"].in_chat(OLD)


@either_order
def test_people_on_leave_are_off_and_keep_what_they_hold(joiner_first):
    before, first = joiner_first.steps["before"], joiner_first.steps["first"]
    for number in AWAY:
        assert first.in_directory(number) == (False, before.in_directory(number)[1])
        assert first.in_chat(number)["active"] is False
    assert first.ledger["E11421"] == {**before.ledger["E11421"], "login": False}


@either_order
def test_people_come_back_from_leave_with_everything_as_before(joiner_first):
    """The old password of the directory too."""
    before, back = joiner_first.steps["before"], joiner_first.steps["left"]
    for number in AWAY:
        row = next(r for r in people_of("people-2026-11-20.csv") if r["employee_id"] == number)
        enabled, groups = back.in_directory(number)
        assert enabled
        assert groups >= before.in_directory(number)[1]
        assert groups == wished_groups(row) | before.in_directory(number)[1]
        assert back.entry(number)["userPassword"] == before.entry(number)["userPassword"]
        assert joiner_first.world.directory.can_bind(back.entry(number).dn, f"secret-{number}")
        assert back.in_chat(number)["active"] is True
    assert back.ledger["E11421"] == before.ledger["E11421"]


@either_order
def test_leaver_loses_what_nothing_here_manages_too(joiner_first):
    assert "legacy" in joiner_first.steps["left"].in_directory("E20101")[1]
    for number in ("E20101", "E20102"):
        out(joiner_first, "both left", number)


@either_order
def test_rehire_within_the_keep_time_has_the_same_accounts_and_nothing_old(joiner_first):
    """Engineer before, accountant now: today's birthright in the accounts that were kept."""
    before, now = joiner_first.steps["both left"], joiner_first.steps["within"]
    entry = now.entry("E20101") or now.entry("E20150")
    assert entry["entryUUID"] == before.entry("E20101")["entryUUID"]
    assert not entry["pwdAccountLockedTime"]
    assert now.groups[entry.dn] == {"all-staff", "finance"}
    user = now.in_chat("E20101") or now.in_chat("E20150")
    assert (user["id"], user["active"]) == (before.in_chat("E20101")["id"], True)
    assert now.ledger["E20150"]["roles"] == ["ledger_rw"]


@either_order
def test_account_is_deleted_when_the_keep_time_is_over(joiner_first):
    """Thirty days after they left: those who stayed away, not the one who came back."""
    assert joiner_first.steps["within"].in_chat("E20102") is not None
    assert joiner_first.steps["deleted"].in_chat("E20102") is None
    assert joiner_first.steps["deleted"].in_chat(OLD) is None
    kept = joiner_first.steps["deleted"]
    assert (kept.in_chat("E20101") or kept.in_chat("E20150"))["active"] is True


@either_order
def test_rehire_after_the_keep_time_gets_a_new_account(joiner_first):
    before, now = joiner_first.steps["both left"], joiner_first.steps["after"]
    user = now.in_chat("E20151")
    assert user["id"] != before.in_chat("E20102")["id"]
    assert user["active"] is True
    entry = now.entry("E20102") or now.entry("E20151")
    assert entry["entryUUID"] == before.entry("E20102")["entryUUID"]
    assert now.groups[entry.dn] == wished_groups(CLONE)


@other_order
def test_one_file_that_tells_of_a_leaver_and_a_rehire_takes_the_old_and_gives_todays(leaver_first):
    """A gap is a leaver and a rehire: two cases, and nothing from before is left (hr/README)."""
    before, now = leaver_first.steps["joined"], leaver_first.steps["rehired"]
    assert before.in_directory("E20101")[1] == wished_groups(SECOND["E20101"]) | {"legacy"}
    entry = now.entry("E20101") or now.entry("E20150")
    assert entry["entryUUID"] == before.entry("E20101")["entryUUID"]
    assert now.groups[entry.dn] == {"all-staff", "finance"}
    assert not entry["pwdAccountLockedTime"]
    assert now.ledger["E20150"]["roles"] == ["ledger_rw"]
    mine = [c for c in leaver_first.world.cases(at="2027-02-01T06:00:00Z") if c["effective_at"] >= "2027"]
    assert sorted(case["kind"] for case in mine) == ["joiner", "leaver"]
