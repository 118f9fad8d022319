"""`explain` and `who`: why somebody should have something, and who has it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

import typer

from lastday.configuration.settings import Configuration
from lastday.execution.people import load_people
from lastday.interfaces.cli.context import DEFAULT_CONFIG, ConfigOption, JsonOption, with_session
from lastday.interfaces.cli.people import person_called
from lastday.interfaces.cli.reading import label, moment, pairs
from lastday.interfaces.cli.services import Session
from lastday.interfaces.cli.showing import hint, show, show_json, show_table
from lastday.model.account import Account, EntitlementRef
from lastday.model.canonical import JsonValue
from lastday.model.errors import ExitCode, InputError
from lastday.model.identity import Identity
from lastday.model.ids import IdentityId
from lastday.policy.explain import Explanation, explain, who_should_hold
from lastday.store import accounts, decisions


def add_to(app: typer.Typer) -> None:
    app.command("explain")(explain_person)
    app.command("who")(who)


def explain_person(
    context: typer.Context,
    person: Annotated[str, typer.Argument(metavar="PERSON", help="Employee number or id.")],
    entitlement: Annotated[
        str | None, typer.Argument(metavar="[ENTITLEMENT]", help="application:kind/name, or application:account.")
    ] = None,
    what_if: Annotated[
        list[str] | None, typer.Option("--what-if", help="name=value, as if the source said so; again for more.")
    ] = None,
    at: Annotated[str | None, typer.Option("--at", help="At this moment; without it, now.")] = None,
    as_json: JsonOption = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> int:
    """Says why somebody should have an entitlement, or not: the source's words, the rule, the role."""
    when = None if at is None else moment(at, "--at")
    assumed = pairs(what_if or (), "--what-if")

    async def work(session: Session) -> tuple[Identity, Explanation, datetime]:
        engine = session.engine
        now = when or engine.clock.now()
        wanted = None if entitlement is None else _reference(engine.configuration, entitlement)
        async with engine.database.transaction() as tx:
            who_ = await person_called(tx, person)
            adopted = await decisions.load_adopted(tx, (who_.id,))
            denies = await decisions.load_denies(tx, now, (who_.id,))
        found = explain(who_, engine.policy, now, entitlement=wanted, what_if=assumed, adopted=adopted, denies=denies)
        return who_, found, now

    who_, found, now = with_session(context, config, work)
    if as_json:
        show_json({"schema": "lastday/explain/1", "employee_number": who_.employee_number, **found.as_json()})
    else:
        show(f"{label(who_, now)}  {found.lifecycle.value}  at {now.isoformat(timespec='seconds')}")
        show(found.text)
        for violation in found.access.violations:
            show(f"conflict: {violation.detail} [{violation.code}]")
    hint("next: lastday who ENTITLEMENT")
    return ExitCode.DONE


def _reference(configuration: Configuration, text: str) -> EntitlementRef:
    """The entitlement that is meant. Raises InputError where it is none, or of no configured application."""
    try:
        reference = EntitlementRef.parse(text)
    except ValueError as err:
        raise InputError(str(err), code="I115", mend="For example: directory:group/vpn.") from err
    if reference.application not in configuration.applications:
        known = ", ".join(sorted(configuration.applications)) or "none"
        raise InputError(f"there is no application {reference.application}", code="I115", mend=f"Configured: {known}.")
    return reference


@dataclass(frozen=True, slots=True, kw_only=True)
class _Holding:
    """One person, or one account without a person, against one entitlement."""

    identity: IdentityId | None
    number: str | None
    name: str
    accounts: tuple[str, ...]
    should: bool
    does: bool
    reasons: tuple[str, ...]

    @property
    def difference(self) -> str:
        if self.should == self.does:
            return ""
        return "missing" if self.should else "excess"

    def as_json(self) -> dict[str, JsonValue]:
        return {
            "identity": self.identity,
            "employee_number": self.number,
            "accounts": list(self.accounts),
            "should": self.should,
            "does": self.does,
            "difference": self.difference or None,
            "reasons": list(self.reasons),
        }


def who(
    context: typer.Context,
    entitlement: Annotated[str, typer.Argument(metavar="ENTITLEMENT", help="application:kind/name or :account.")],
    as_json: JsonOption = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> int:
    """Shows who should hold an entitlement, who was last seen to hold it, and where the two differ."""

    async def work(session: Session) -> list[_Holding]:
        return await _holdings(session, _reference(session.engine.configuration, entitlement))

    found = with_session(context, config, work)
    if as_json:
        show_json({"schema": "lastday/who/1", "entitlement": entitlement, "holders": [one.as_json() for one in found]})
    else:
        headings = ("person", "account", "should", "does", "difference", "because")
        show_table(headings, [_row(one) for one in found])
    differing = sum(1 for one in found if one.difference)
    hint(f"{len(found)} in all, {differing} differ; what is held is as of the last reading")
    hint("next: lastday plan" if differing else "next: lastday explain PERSON")
    return ExitCode.DONE


def _row(one: _Holding) -> tuple[str, ...]:
    yes = {True: "yes", False: "no"}
    said = "; ".join(one.reasons)
    return (one.name, " ".join(one.accounts), yes[one.should], yes[one.does], one.difference, said)


async def _holdings(session: Session, wanted: EntitlementRef) -> list[_Holding]:
    engine = session.engine
    now = engine.clock.now()
    async with engine.database.transaction() as tx:
        people = await load_people(tx)
        adopted, denies = await decisions.load_adopted(tx), await decisions.load_denies(tx, now)
        seen = [a for a in await accounts.load_accounts(tx, application=wanted.application) if _has(a, wanted)]
    should = who_should_hold(wanted, people, engine.policy, now, adopted=adopted, denies=denies)
    reasons = {holder.identity: tuple(reason.detail for reason in holder.reasons) for holder in should}
    return _compared({person.id: person for person in people}, reasons, seen, now)


def _has(account: Account, wanted: EntitlementRef) -> bool:
    if not account.exists:
        return False
    return account.observed.enabled if wanted.is_account else account.observed.holds(wanted.name)


def _compared(
    people: Mapping[IdentityId, Identity],
    reasons: Mapping[IdentityId, tuple[str, ...]],
    seen: Sequence[Account],
    now: datetime,
) -> list[_Holding]:
    theirs: dict[IdentityId, list[str]] = {}
    for account in seen:
        if account.identity is not None:
            theirs.setdefault(account.identity, []).append(account.observed.username)
    known = [
        _Holding(
            identity=identity,
            number=people[identity].employee_number if identity in people else None,
            name=label(people.get(identity), now),
            accounts=tuple(theirs.get(identity, ())),
            should=identity in reasons,
            does=identity in theirs,
            reasons=reasons.get(identity, ()),
        )
        for identity in sorted({*reasons, *theirs})
    ]
    return [*known, *(_of_nobody(account) for account in seen if account.identity is None)]


def _of_nobody(account: Account) -> _Holding:
    return _Holding(
        identity=None,
        number=None,
        name="nobody known",
        accounts=(account.observed.username,),
        should=False,
        does=True,
        reasons=(),
    )
