"""What a few people are looked for by, and what the application's answers mean."""

from datetime import UTC, datetime
from typing import Any

import pytest

from lastday.configuration.settings import MatchLine, MatchStrength
from lastday.inventory.refreshing import Sought, look_for, values_of
from lastday.model.account import ObservedAccount
from lastday.model.attributes import Attributes
from lastday.model.errors import NotSupported, Unreachable
from lastday.model.ids import ApplicationName, NativeId

CHAT = ApplicationName("chat")
NOW = datetime(2026, 11, 24, 6, tzinfo=UTC)


class Settings:
    match = (
        MatchLine(account_attribute="externalId", identity_attribute="employeeNumber", strength=MatchStrength.PROOF),
        MatchLine(account_attribute="mail", identity_attribute="emails.value", strength=MatchStrength.HINT),
    )


class Engagement:
    def __init__(self, **values):
        self.attributes = Attributes.of({name.replace("_", "."): (value,) for name, value in values.items()})


class Person:
    def __init__(self, *engagements):
        self.engagements = engagements


class Clock:
    def now(self):
        return NOW


class Application:
    """Answers from a list; `down` refuses every question."""

    def __init__(self, *there, down=False):
        self.there, self.down = there, down

    async def read_account(self, native_id):
        self._answer()
        return next((a for a in self.there if a.native_id == native_id), None)

    async def find_accounts(self, attribute, value):
        self._answer()
        return [a for a in self.there if a.attributes.text(attribute) == value]

    def _answer(self):
        if self.down:
            raise Unreachable("nobody answers")


def account(native_id, number):
    return ObservedAccount(
        native_id=NativeId(native_id),
        username=native_id,
        enabled=True,
        attributes=Attributes.of({"externalId": number}),
    )


def test_every_engagement_and_every_value_ever_held_is_looked_for():
    """Correlation speaks of any engagement (proof) and of 365 days (hints): a search for less would say `none`."""
    settings: Any = Settings()
    person: Any = Person(Engagement(employeeNumber="E1", emails_value="A@x.example"), Engagement(employeeNumber="E9"))
    held = [("emails.value", "old@x.example"), ("emails.value", "a@x.example"), ("username", "ada")]
    assert values_of(settings, [person], held) == (
        ("externalId", "E1"),
        ("externalId", "E9"),
        ("mail", "A@x.example"),
        ("mail", "old@x.example"),
    )


async def look(application, *linked, values=(("externalId", "E1"),)):
    sought = Sought(linked=tuple(map(NativeId, linked)), values=values)
    return await look_for(application, "us", CHAT, sought, Clock())


async def test_what_no_search_finds_and_no_id_shows_is_absent():
    """Design section 1: 404 counts only with an empty search."""
    seen = await look(Application(account("b", "E2")), "a")
    assert (seen.found, seen.absent, seen.strangers, seen.at) == ((), ("a",), False, NOW)


async def test_a_second_account_with_the_same_number_is_found():
    seen = await look(Application(account("a", "E1"), account("c", "E1")), "a")
    assert [found.native_id for found in seen.found] == ["a", "c"]
    assert seen.strangers
    assert seen.absent == ()


async def test_silence_is_no_absence():
    """Design section 1, rule 3: an application that does not answer, or cannot be asked, yields nothing."""
    with pytest.raises(Unreachable):
        await look(Application(down=True), "a")
    with pytest.raises(NotSupported):
        await look(Application(), "a", values=())


def test_beside_somebody_who_can_be_looked_for_nobody_is_called_absent_unsearched():
    """A person without a value in any match line would get "no account" although nothing was asked of them."""
    known: Any = Person(Engagement(employeeNumber="E1"))
    unknown: Any = Person(Engagement(title="Temp"))
    settings: Any = Settings()
    assert values_of(settings, (known,), ())
    assert values_of(settings, (known, unknown), ()) == ()
