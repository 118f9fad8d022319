"""Small builders: accounts as an application shows them, people, match lines."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from lastday.configuration.settings import ApplicationSettings, MatchLine, MatchStrength, Mode, Position
from lastday.model.account import Account, AccountKind, Correlation, ObservedAccount, ObservedHolding
from lastday.model.attributes import Attributes
from lastday.model.identity import Engagement, EngagementStatus, Identity, IdentityKind
from lastday.model.ids import AccountId, ApplicationName, EngagementId, IdentityId, NativeId, SourceName

NOW = datetime(2026, 11, 24, 6, tzinfo=UTC)
BEGAN = datetime(2022, 10, 27, tzinfo=UTC)
LATER = BEGAN + timedelta(days=1)
PROOF, HINT = MatchStrength.PROOF, MatchStrength.HINT
LDAP = (
    MatchLine(account_attribute="employeeNumber", identity_attribute="employeeNumber", strength=PROOF),
    MatchLine(account_attribute="mail", identity_attribute="emails.value", strength=HINT),
)


def settings(*match: MatchLine) -> ApplicationSettings:
    return ApplicationSettings(
        name=ApplicationName("directory"),
        connector="ldap",
        connection={},
        match=match or LDAP,
        create={},
        attributes={},
        owner="group:it",
        mode=Mode.ENFORCE,
        protect=(),
        admins=(),
        privileged=(),
        manage=None,
        settle=None,
        keep_for=None,
        deadline=None,
        successor=None,
        seat=None,
        position=Position(Path("x"), 1, 1),
    )


def an_engagement(
    number: str, mail: str | None = None, *, starts: datetime | None = BEGAN, ends: datetime | None = None
) -> Engagement:
    return Engagement(
        id=EngagementId(f"hr/{number}"),
        identity=IdentityId(""),
        source=SourceName("hr"),
        key=number,
        attributes=Attributes.of({"employeeNumber": number, "emails.value": mail}),
        status=EngagementStatus.ACTIVE,
        starts_at=starts,
        ends_at=ends,
    )


def a_person(name: str, *engagements: Engagement) -> Identity:
    return Identity(id=IdentityId(name), kind=IdentityKind.EMPLOYEE, person_key=None, engagements=engagements)


def an_account(
    native: str,
    attributes: Mapping[str, str] | None = None,
    *holdings: str,
    identity: str | None = None,
    created: datetime | None = LATER,
    used: datetime | None = None,
    first_seen: datetime = NOW,
    enabled: bool = True,
    exists: bool = True,
    protected: bool = False,
    kind: AccountKind = AccountKind.PERSONAL,
    correlation: Correlation | None = None,
) -> Account:
    unlinked = Correlation.UNCORRELATED if identity is None else Correlation.MATCHED
    return Account(
        id=AccountId(f"a-{native}"),
        application=ApplicationName("directory"),
        kind=kind,
        observed=ObservedAccount(
            native_id=NativeId(native),
            username=native,
            enabled=enabled,
            attributes=Attributes.of(dict(attributes or {})),
            holdings=tuple(ObservedHolding(name) for name in holdings),
            created_at=created,
            last_used=used,
        ),
        exists=exists,
        correlation=correlation or unlinked,
        identity=None if identity is None else IdentityId(identity),
        first_seen_at=first_seen,
        seen_at=NOW,
        protected=protected,
    )
