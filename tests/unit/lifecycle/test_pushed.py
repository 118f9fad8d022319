"""Pushed users as rows of a source (S-42): what is read, when somebody is out, and who is here again."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lastday.configuration.scim_paths import DEFAULT_MAP, ENTERPRISE, PERSON
from lastday.configuration.settings import AbsenceRule, SourceSettings, StatusMapping
from lastday.lifecycle.intake import MergeContext, merge_feed
from lastday.lifecycle.normalise import EndBasis, NormalisedRow
from lastday.lifecycle.pushed import normalise_pushed, row_of_pushed
from lastday.lifecycle.pushed_rows import Pushed, rows_of_pushed
from lastday.lifecycle.scim_values import text_of, values_at
from lastday.lifecycle.walk import changes_between
from lastday.model.canonical import JsonValue
from lastday.model.change import ChangeKind
from lastday.model.finding import RejectedRow
from lastday.model.identity import EngagementStatus, Identity, IdentityKind, Lifecycle
from lastday.model.ids import ResourceId, SourceName
from lastday.model.scim import PushedResource, ResourceType
from tests.unit.lifecycle.northwind import COMPANY, HERE

ACTIVE = StatusMapping(column="active", values={"true": EngagementStatus.ACTIVE, "false": EngagementStatus.ENDED})
IDP = SourceSettings(
    name=SourceName("idp"),
    kind="scim",
    path=None,
    key="id",
    person_key="externalId",
    date_format="YYYY-MM-DD",
    end_of_day=time(17, 0),
    absent_after=AbsenceRule(),
    columns=DEFAULT_MAP,
    status=ACTIVE,
    position=HERE,
)
URN = "urn:example:params:scim:schemas:extension:company:2.0:User"
WORDS = {
    "here": EngagementStatus.ACTIVE,
    "leave": EngagementStatus.SUSPENDED,
    "garden": EngagementStatus.RELEASED,
    "gone": EngagementStatus.ENDED,
}
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def user(number=1, at=NOON, **attributes: JsonValue) -> PushedResource:
    body = {"userName": f"p{number}@x.example", "externalId": f"k{number}", "active": True, **attributes}
    return PushedResource(
        source=SourceName("idp"),
        type=ResourceType.USER,
        id=ResourceId(f"u-{number}"),
        ordinal=number,
        version=1,
        created_at=NOON,
        modified_at=at,
        body={name: value for name, value in body.items() if value is not None},
    )


def said(managers: Mapping[str, str] | None = None, settings: SourceSettings = IDP, at=NOON, **attributes):
    """What becomes of a user with these attributes."""
    also = attributes.pop("also", {})
    return normalise_pushed(user(**attributes, **also), managers or {}, settings, COMPANY, at)


def understood(**given) -> NormalisedRow:
    row = said(**given)
    assert isinstance(row, NormalisedRow), row
    return row


def with_status(column=f"{URN}:state") -> SourceSettings:
    return replace(IDP, status=StatusMapping(column=column, values=WORDS))


# ---------------------------------------------------------------- values


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("userName", ("ada",)),
        ("USERNAME", ("ada",)),
        ("urn:ietf:params:scim:schemas:core:2.0:User:userName", ("ada",)),
        ("name.givenName", ("Ada",)),
        ("emails.value", ("work@x", "home@x")),
        ("emails", ("work@x", "home@x")),
        ('emails[type eq "home"].value', ("home@x",)),
        ('emails[type eq "fax"].value', ()),
        (f"{ENTERPRISE}:department", ("Finance",)),
        (f"{ENTERPRISE.upper()}:DEPARTMENT", ("Finance",)),
        (f"{ENTERPRISE}:manager.value", ("m-1",)),
        (f"{ENTERPRISE}:manager", ("m-1",)),
        ("groups.display", ("A", "B")),
        ("active", (False,)),
        ("nickName", ()),
        ("tags", ("x", 1, True)),
        (f"{PERSON}:riskScore", (70,)),
        (f"{URN}:share", ("0.5",)),
        (f"{URN}:whole", (3,)),
    ],
)
def test_values_are_found_at_their_path(path, expected):
    """RFC 7644 section 3.10 for extensions; the primary value before the others."""
    resource = {
        "userName": "ada",
        "name": {"givenName": "Ada"},
        "emails": [{"value": "home@x", "type": "home"}, {"value": "work@x", "type": "work", "primary": True}],
        ENTERPRISE: {"department": "Finance", "manager": {"value": "m-1"}},
        "groups": [{"value": "g1", "display": "A"}, {"value": "g2", "display": "B"}],
        "active": False,
        "nickName": "",
        "tags": ["x", 1, True],
        PERSON: {"riskScore": 70},
        URN: {"share": 0.5, "whole": 3.0},
    }
    assert values_at(resource, path) == expected


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(body=st.dictionaries(st.sampled_from(["emails", "name", "active", ENTERPRISE, PERSON, "title"]), JSON))
def test_no_body_whatever_breaks_the_reading(body):
    """A row or a rejected row, whatever a client managed to have stored."""
    resource = replace(user(), body=body)
    row = normalise_pushed(resource, {}, IDP, COMPANY, NOON)
    assert isinstance(row, (NormalisedRow, RejectedRow))


@given(st.booleans() | st.integers() | st.text(max_size=5))
def test_text_of_a_value_is_as_json_writes_it(value):
    assert text_of((value,)) == ({True: "true", False: "false"}[value] if isinstance(value, bool) else str(value))


# ---------------------------------------------------------------- one user


def test_mapped_attributes_are_kept_with_all_their_values():
    """Groups and addresses have several; numbers stay numbers so that conditions can order them."""
    row = understood(
        emails=[{"value": "b@x"}, {"value": "a@x", "primary": True}],
        groups=[{"value": "g1", "display": "Finance"}, {"value": "g2", "display": "VPN"}],
        also={PERSON: {"riskScore": 70, "location": "Lisbon"}, ENTERPRISE: {"employeeNumber": "E1"}},
    )
    assert row.attributes["emails.value"] == ("a@x", "b@x")
    assert row.attributes["groups.display"] == ("Finance", "VPN")
    assert row.attributes["riskScore"] == (70,)
    assert row.attributes.text("location") == "Lisbon"
    assert (row.key, row.person_key, row.kind) == ("u-1", "k1", IdentityKind.EMPLOYEE)


def test_what_nothing_maps_is_not_kept():
    """Privacy: only mapped attributes are stored (design section 10)."""
    row = understood(nickName="Ace", phoneNumbers=[{"value": "+49 30 1"}])
    assert "nickName" not in row.attributes
    assert not any("phone" in name for name in row.attributes)


def test_hostile_text_is_harmless_in_every_value():
    """Also in those after the first."""
    row = understood(groups=[{"display": "A"}, {"display": "x\u202ey\n"}])
    assert row.attributes["groups.display"] == ("A", "xy")


def test_a_manager_is_a_number_where_it_is_known():
    by = {ENTERPRISE: {"department": "Finance", "manager": {"value": "u-9", "displayName": "Nina"}}}
    assert understood(managers={"u-9": "E9"}, also=by).attributes.text("manager") == "E9"
    assert understood(managers={"u-8": "E8"}, also=by).attributes.text("manager") == "u-9"
    assert understood(managers={"u-9": "E9"}, also=by).attributes.text("department") == "Finance"


def test_a_manager_that_is_a_bare_text_is_understood():
    """As some clients send it (field notes, Entra)."""
    assert understood(managers={"u-9": "E9"}, also={ENTERPRISE: {"manager": "u-9"}}).attributes.text("manager") == "E9"


@pytest.mark.parametrize(
    ("stated", "ends_at", "basis"),
    [
        ({"endDate": "2026-12-31"}, "2026-12-31T16:00Z", EndBasis.DATE),
        ({"endDate": "2026-12-31T00:00:00Z"}, "2026-12-31T16:00Z", EndBasis.DATE),
        ({"endDate": "2026-12-31T00:00:00.0000000Z"}, "2026-12-31T16:00Z", EndBasis.DATE),
        ({"endDate": "2026-12-31T15:30:00Z"}, "2026-12-31T15:30Z", EndBasis.MOMENT),
        ({"endDate": "2026-12-31T15:30:00.1234567Z"}, "2026-12-31T15:30:00.123456Z", EndBasis.MOMENT),
        ({"endDate": "2026-12-31T00:00:00+02:00"}, "2026-12-30T22:00Z", EndBasis.MOMENT),
        ({"endDate": "2026-12-31", "endsAt": "2026-12-30T12:00:00Z"}, "2026-12-30T12:00Z", EndBasis.MOMENT),
        ({"endDate": "9999-12-31"}, None, EndBasis.NONE),
        ({"endDate": "9999-12-31T23:59:59Z"}, None, EndBasis.NONE),
        ({}, None, EndBasis.NONE),
    ],
)
def test_an_end_is_a_day_or_a_moment(stated, ends_at, basis):
    """Midnight in UTC is how clients without a type for dates write a day: nobody is put out at its beginning."""
    row = understood(also={PERSON: stated})
    assert row.ends_at == (None if ends_at is None else datetime.fromisoformat(ends_at))
    assert row.end_basis is basis


def test_a_start_is_a_day_or_a_moment():
    assert understood(also={PERSON: {"startDate": "2027-01-04"}}).starts_at == datetime(2027, 1, 3, 23, tzinfo=UTC)
    moment = understood(also={PERSON: {"startDate": "2027-01-04T08:00:00Z"}})
    assert moment.starts_at == datetime(2027, 1, 4, 8, tzinfo=UTC)
    assert moment.attributes.text("startDate") == "2027-01-04"


@pytest.mark.parametrize("stated", ["0001-01-03T00:00:00Z", "31.12.2026", "2026-02-30"])
def test_a_day_that_is_none_is_refused_with_its_attribute(stated):
    """A client's placeholder (Microsoft sends the year 1) is no first day."""
    row = said(also={PERSON: {"endDate": stated}})
    assert isinstance(row, RejectedRow)
    assert row.column == f"{PERSON}:endDate"
    assert row.key == "u-1"


def test_findings_name_the_attribute_and_no_line():
    """There is no file to look into."""
    row = understood(title="a\nb")
    assert [finding.detail for finding in row.findings] == [
        "attribute title: the value held line breaks, control or direction characters; taken out"
    ]


# ---------------------------------------------------------------- the switch


@pytest.mark.parametrize(
    ("stated", "ends_at"),
    [
        ({}, NOON),
        ({"endsAt": "2026-11-22T15:00:00Z"}, datetime(2026, 11, 22, 15, tzinfo=UTC)),
        ({"endDate": "2026-11-20"}, datetime(2026, 11, 20, 16, tzinfo=UTC)),
        ({"endDate": "2026-12-31"}, NOON),
        ({"endsAt": "2026-11-23T12:00:00.000001Z"}, NOON),
    ],
)
def test_who_is_switched_off_is_out_at_receipt_or_at_an_earlier_stated_end(stated, ends_at):
    row = understood(active=False, also={PERSON: stated})
    assert (row.status, row.ends_at) == (EngagementStatus.ENDED, ends_at)


def test_an_absent_switch_is_on():
    """RFC 7643 section 4.1.1: it may be left out, and somebody without one must not be put out."""
    assert understood(active=None).status is EngagementStatus.ACTIVE


@pytest.mark.parametrize(
    ("state", "active", "status"),
    [
        ("here", True, EngagementStatus.ACTIVE),
        ("leave", True, EngagementStatus.SUSPENDED),
        ("Leave ", False, EngagementStatus.SUSPENDED),
        ("garden", False, EngagementStatus.RELEASED),
        ("here", False, EngagementStatus.ENDED),
        ("gone", True, EngagementStatus.ENDED),
        ("strange", False, EngagementStatus.ENDED),
        (None, False, EngagementStatus.ENDED),
    ],
)
def test_a_status_of_its_own_and_the_switch_are_one_word(state, active, status):
    """A switch that is off is never outvoted, but by leave of absence and garden leave."""
    extension = {} if state is None else {"state": state}
    assert understood(settings=with_status(), active=active, also={URN: extension}).status is status


@pytest.mark.parametrize("extension", [{}, {"state": "strange"}])
def test_a_status_that_nothing_maps_is_refused_while_the_switch_is_on(extension):
    row = said(settings=with_status(), also={URN: extension})
    assert isinstance(row, RejectedRow)
    assert (row.column, row.key) == (f"{URN}:state", "u-1")


def test_the_row_shows_the_primary_value_first():
    pushed = row_of_pushed(user(emails=[{"value": "b"}, {"value": "a", "primary": True}]), {}, IDP)
    assert pushed.row.cells["emails.value"] == "a"


# ---------------------------------------------------------------- several users, and time


class History:
    """People as clients push them over time, taken in one after the other."""

    def __init__(self, settings: SourceSettings = IDP) -> None:
        self.settings = settings
        self.people: tuple[Identity, ...] = ()
        self.walked = NOON - DAY
        self.told: list[tuple[ChangeKind, datetime]] = []
        self.codes: list[str] = []

    def take(self, at: datetime, *pushed: Pushed | PushedResource) -> "History":
        listed = [one if isinstance(one, Pushed) else Pushed(resource=one) for one in pushed]
        found = rows_of_pushed(listed, self.people, {}, self.settings, COMPANY, at)
        context = MergeContext(
            source=self.settings.name, received_at=at, rule=self.settings.absent_after, complete=False
        )
        intake = merge_feed(self.people, found.rows, found.rejected, context)
        before = {person.id: person for person in self.people}
        after = {**before, **{person.id: person for person in intake.changed}}
        for person in after.values():
            for change in changes_between(before.get(person.id), person, self.walked, at):
                self.told.append((change.kind, change.at))
        self.people, self.walked = tuple(after.values()), at
        self.codes = [finding.code for finding in intake.findings]
        return self

    @property
    def kinds(self) -> list[str]:
        return [kind.value for kind, _ in self.told]

    def state(self, at: datetime, number: int = 1) -> Lifecycle:
        [person] = [p for p in self.people if p.person_key == f"k{number}"]
        return person.lifecycle_at(at)


def test_off_and_on_after_days_is_left_and_joined_with_the_gap_that_was_seen():
    history = History().take(NOON, user()).take(NOON + DAY, user(active=False, at=NOON + DAY))
    history.take(NOON + 5 * DAY, user(at=NOON + 5 * DAY))
    assert history.kinds == ["joined", "left", "joined"]
    assert history.state(NOON + 3 * DAY) is Lifecycle.ENDED
    assert history.state(NOON + 6 * DAY) is Lifecycle.ACTIVE


def test_off_and_on_within_a_day_is_left_and_returned():
    history = History().take(NOON, user()).take(NOON + DAY, user(active=False, at=NOON + DAY))
    hour = NOON + DAY + timedelta(hours=1)
    assert history.take(hour, user(at=hour)).kinds == ["joined", "left", "returned"]


def test_an_end_that_is_moved_on_is_no_rehire():
    """The switch was on all the time: the contract was prolonged, if late."""
    soon = {PERSON: {"endsAt": "2026-11-24T00:00:00Z"}}
    later = {PERSON: {"endsAt": "2027-11-24T00:00:00Z"}}
    history = History().take(NOON, user(**soon)).take(NOON + 2 * DAY)
    history.take(NOON + 3 * DAY, user(at=NOON + 3 * DAY, **later))
    assert history.kinds == ["joined", "left", "returned"]
    assert history.state(NOON + 2 * DAY) is Lifecycle.ACTIVE


def test_the_moment_of_leaving_stays_where_it_was_first_told():
    """Whatever else is pushed of somebody who is off."""
    history = History().take(NOON, user()).take(NOON + DAY, user(active=False, at=NOON + DAY))
    history.take(NOON + 2 * DAY, user(active=False, title="Former", at=NOON + 2 * DAY))
    [person] = history.people
    assert person.engagements[0].ends_at == NOON + DAY
    assert history.kinds == ["joined", "left"]


def test_a_clock_that_is_ahead_makes_no_leaver_wait():
    history = History().take(NOON, user()).take(NOON + DAY, user(active=False, at=NOON + DAY + timedelta(minutes=5)))
    assert history.told[-1] == (ChangeKind.LEFT, NOON + DAY)


def test_who_is_taken_away_is_as_they_were_but_out():
    history = History().take(NOON, user(title="Clerk"))
    history.take(NOON + DAY, Pushed(resource=user(title="Other", at=NOON + DAY), gone_at=NOON + DAY))
    [person] = history.people
    assert person.engagements[0].attributes.text("title") == "Clerk"
    assert history.told[-1] == (ChangeKind.LEFT, NOON + DAY)
    history.take(NOON + 2 * DAY, Pushed(resource=user(at=NOON + DAY), gone_at=NOON + DAY))
    assert history.kinds == ["joined", "left"]


STEPS = st.lists(
    st.tuples(
        st.integers(1, 3),
        st.sampled_from(["on", "off", "gone", "bad", "title", "end past", "end later"]),
        st.sampled_from([timedelta(minutes=1), timedelta(hours=30)]),
    ),
    max_size=14,
)


def pushed_as(number: int, word: str, at: datetime) -> Pushed:
    past: dict[str, JsonValue] = {PERSON: {"endsAt": (at - DAY).isoformat()}}
    later: dict[str, JsonValue] = {PERSON: {"endsAt": (at + 400 * DAY).isoformat()}}
    words: dict[str, dict[str, JsonValue]] = {
        "on": {},
        "off": {"active": False},
        "gone": {},
        "bad": {"active": False, "timezone": "Mars/Olympus"},
        "title": {"title": at.isoformat()},
        "end past": past,
        "end later": later,
    }
    return Pushed(resource=user(number, at=at, **words[word]), gone_at=at if word == "gone" else None)


@given(STEPS)
def test_whoever_a_client_keeps_off_is_out_and_whoever_is_on_is_here(steps):
    """T-3 turned round for pushes: after each word the person is as the word says, whatever came before."""
    history, at = History(), NOON
    known: set[int] = set()
    for number, word, later in steps:
        at += later
        history.take(at, pushed_as(number, word, at))
        if word not in ("gone", "bad"):
            known.add(number)
        if number in known:
            out = word in ("off", "gone", "bad", "end past")
            assert history.state(at, number) is (Lifecycle.ENDED if out else Lifecycle.ACTIVE), word


@given(STEPS)
def test_the_order_of_users_in_a_take_in_makes_no_difference(steps):
    """Last words of three users, in any order."""
    last = {number: word for number, word, _ in steps}
    start = [user(number) for number in (1, 2, 3)]
    at = NOON + DAY
    pushed = [pushed_as(number, word, at) for number, word in last.items()]
    one = History().take(NOON, *start).take(at, *pushed)
    other = History().take(NOON, *reversed(start)).take(at, *reversed(pushed))
    assert sorted(one.people, key=lambda p: p.id) == sorted(other.people, key=lambda p: p.id)


@given(STEPS)
def test_taking_in_again_what_was_taken_changes_nothing(steps):
    """Level-triggered: what stands counts, however often it is looked at."""
    history, at = History(), NOON
    for number, word, later in steps:
        at += later
        pushed = pushed_as(number, word, at)
        history.take(at, pushed)
        people, told = history.people, list(history.told)
        history.take(at + timedelta(seconds=1), pushed)
        assert (history.people, history.told) == (people, told)


def test_two_users_of_one_key_are_both_refused():
    """Nobody can tell which is meant; what was known stays."""
    keyed = replace(IDP, key="title", person_key=None)
    history = History(keyed)
    history.take(NOON, user(1, title="K"), user(2, title="K"))
    assert history.people == ()
    assert history.codes == ["S135"]


def test_a_user_keeps_the_key_that_came_first():
    keyed = replace(IDP, key="title")
    history = History(keyed).take(NOON, user(1, title="K1")).take(NOON + DAY, user(1, title="K2", at=NOON + DAY))
    [person] = history.people
    assert [e.key for e in person.engagements] == ["K1"]
    assert "S140" in history.codes
    history.take(NOON + 2 * DAY, user(1, title="K3", active=False, at=NOON + 2 * DAY))
    assert history.state(NOON + 2 * DAY) is Lifecycle.ENDED
