"""Small builders for people, accounts and profiles, and a world in which a plan can be carried out."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from lastday.model.access import (
    AccountWish,
    Assignment,
    DesiredAccess,
    DesiredAccount,
    Reason,
    ReasonKind,
)
from lastday.model.account import (
    Account,
    AccountKind,
    Correlation,
    EntitlementRef,
    ObservedAccount,
    ObservedHolding,
)
from lastday.model.attributes import Attributes, AttributeValue
from lastday.model.identity import Engagement, EngagementStatus, Identity, IdentityKind, Lifecycle, last_left_at
from lastday.model.ids import (
    AccountId,
    ApplicationName,
    BatchId,
    Digest,
    EngagementId,
    IdentityId,
    NativeId,
    SourceName,
)
from lastday.model.operation import Because, Operation, Verb
from lastday.model.plan import MadeFrom
from lastday.planning.profile import (
    CREATES,
    DELETES,
    DISABLES,
    ENDS_SESSIONS,
    GIVES,
    REVOKES,
    TRANSFERS,
    UPDATES,
    ApplicationProfile,
    PersonFacts,
)

NOW = datetime(2026, 11, 24, 6, tzinfo=UTC)
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
DIRECTORY = ApplicationName("directory")
CHAT = ApplicationName("chat")
EVERYTHING = frozenset({CREATES, UPDATES, DISABLES, DELETES, GIVES, REVOKES, ENDS_SESSIONS, TRANSFERS})
MADE_FROM = MadeFrom(batch=BatchId("b-1"), policy=Digest("0" * 64), snapshots=(), identities=())


def an_engagement(
    number: str,
    *,
    identity: str | None = None,
    starts: datetime | None = LONG_AGO,
    ends: datetime | None = None,
    status: EngagementStatus = EngagementStatus.ACTIVE,
    **attributes: str,
) -> Engagement:
    named = {"employeeNumber": number, "name.givenName": "Ada", "name.familyName": f"L{number}", **attributes}
    return Engagement(
        id=EngagementId(f"hr/{number}"),
        identity=IdentityId(identity or f"i-{number}"),
        source=SourceName("hr"),
        key=number,
        attributes=Attributes.of(named),
        status=status,
        starts_at=starts,
        ends_at=ends,
    )


def an_identity(number: str, *engagements: Engagement) -> Identity:
    known = engagements or (an_engagement(number),)
    identity = IdentityId(f"i-{number}")
    return Identity(
        id=identity,
        kind=IdentityKind.EMPLOYEE,
        person_key=None,
        engagements=tuple(replace(engagement, identity=identity) for engagement in known),
    )


def an_account(
    native: str,
    identity: str | None,
    *holdings: str,
    application: ApplicationName = DIRECTORY,
    enabled: bool = True,
    exists: bool = True,
    kind: AccountKind = AccountKind.PERSONAL,
    correlation: Correlation = Correlation.MATCHED,
    protected: bool = False,
    attributes: Mapping[str, AttributeValue | Iterable[AttributeValue] | None] | None = None,
    since: datetime = LONG_AGO,
    created: datetime | None = None,
) -> Account:
    observed = ObservedAccount(
        native_id=NativeId(native),
        username=native,
        enabled=enabled,
        attributes=Attributes.of(attributes or {}),
        holdings=tuple(ObservedHolding(name) for name in holdings),
        created_at=created,
    )
    return Account(
        id=AccountId(f"a-{application}-{native}"),
        application=application,
        kind=kind,
        observed=observed,
        exists=exists,
        correlation=correlation,
        identity=None if identity is None else IdentityId(f"i-{identity}"),
        first_seen_at=since,
        seen_at=NOW,
        protected=protected,
        holdings_since=tuple((name, since) for name in holdings),
    )


def a_profile(name: ApplicationName = DIRECTORY, **changes: object) -> ApplicationProfile:
    plain = ApplicationProfile(
        name=name,
        capabilities=EVERYTHING,
        managed=frozenset({"account", "group/staff", "group/vpn", "group/finance"}),
        proof=(("employeeNumber", "employeeNumber"),),
    )
    return replace(plain, **changes)  # type: ignore[arg-type]  # the caller names fields of the profile


def a_wish(
    wish: AccountWish,
    *names: str,
    application: ApplicationName = DIRECTORY,
    keeps: tuple[str, ...] = (),
    attributes: Mapping[str, AttributeValue | Iterable[AttributeValue] | None] | None = None,
) -> DesiredAccount:
    all_names = ("account", *names) if wish is AccountWish.ACTIVE else names
    return DesiredAccount(
        application=application,
        wish=wish,
        assignments=tuple(
            Assignment(
                entitlement=EntitlementRef(application, name),
                reasons=(Reason(kind=ReasonKind.ROLE, name="r", detail=f"role r gives {name}"),),
            )
            for name in all_names
        ),
        keeps=keeps,
        attributes=Attributes.of(attributes or {}),
    )


def a_person(
    identity: Identity,
    *wishes: DesiredAccount,
    accounts: Sequence[Account] = (),
    case_reason: Because | None = None,
    now: datetime = NOW,
    **more: object,
) -> PersonFacts:
    desired = DesiredAccess(
        identity=identity.id,
        at=now,
        lifecycle=identity.lifecycle_at(now),
        accounts=wishes,
        profile=None,
        limit_s=None,
    )
    return PersonFacts(
        identity=identity,
        desired=desired,
        accounts=tuple(accounts),
        last_left_at=last_left_at(identity.engagements, now),
        case_reason=case_reason,
        **more,  # type: ignore[arg-type]  # the caller names fields of the facts
    )


def a_leaver(number: str, *accounts: Account, ago: timedelta = timedelta(hours=1), **more: object) -> PersonFacts:
    identity = an_identity(number, an_engagement(number, ends=NOW - ago))
    closed = [a_wish(AccountWish.CLOSED, application=name) for name in {a.application for a in accounts} or {DIRECTORY}]
    assert identity.lifecycle_at(NOW) is Lifecycle.ENDED
    return a_person(identity, *closed, accounts=accounts, case_reason=Because.LEFT, **more)  # type: ignore[arg-type]  # any field


def carried_out(operations: Iterable[Operation], person: PersonFacts) -> PersonFacts:
    """The person's accounts after `operations`, each done at once and well."""
    accounts = {(account.application, account.native_id): account for account in person.accounts}
    for operation in sorted(operations, key=lambda o: o.priority):
        if operation.identity == person.identity.id:
            _carry_out(operation, accounts)
    return replace(person, accounts=tuple(accounts.values()))


def _carry_out(operation: Operation, accounts: dict[tuple[ApplicationName, NativeId], Account]) -> None:
    native = operation.native_id or NativeId(f"new-{operation.identity}")
    key = (operation.application, native)
    if operation.verb is Verb.CREATE:
        made = an_account(native, operation.identity.removeprefix("i-"), application=operation.application, since=NOW)
        accounts[key] = replace(made, observed=replace(made.observed, attributes=operation.payload))
    elif operation.verb is Verb.DELETE:
        accounts[key] = replace(accounts[key], exists=False)
    else:
        accounts[key] = _changed(operation, accounts[key])


def _changed(operation: Operation, account: Account) -> Account:
    observed, name = account.observed, operation.entitlement or ""
    since = account.holdings_since
    match operation.verb:
        case Verb.DISABLE | Verb.ENABLE:
            observed = replace(observed, enabled=operation.verb is Verb.ENABLE)
        case Verb.GIVE:
            observed = replace(observed, holdings=(*observed.holdings, ObservedHolding(name)))
            since = (*since, (name, NOW))
        case Verb.REVOKE:
            observed = replace(observed, holdings=tuple(h for h in observed.holdings if h.entitlement != name))
            since = tuple(pair for pair in since if pair[0] != name)
        case Verb.UPDATE:
            attributes = observed.attributes.merged(operation.payload).without(*operation.cleared)
            observed = replace(observed, attributes=attributes)
        case _:
            pass
    return replace(account, observed=observed, holdings_since=since)
