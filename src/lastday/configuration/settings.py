"""The typed configuration. All of it has been checked: no unknown key, no unreadable condition, no literal secret."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import time, timedelta
from enum import StrEnum
from pathlib import Path
from zoneinfo import ZoneInfo

from lastday.filters.ast import Filter
from lastday.model.account import EntitlementRef
from lastday.model.attributes import Attributes
from lastday.model.identity import EngagementStatus
from lastday.model.ids import ApplicationName, Digest, RoleName, SourceName, UserName


@dataclass(frozen=True, slots=True)
class Position:
    """Where something stands in a configuration file; lines and columns count from 1."""

    file: Path
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class SecretReference:
    """Where a secret is kept: never the secret. Exactly one of the two is set."""

    env: str | None = None
    file: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """A SCIM filter with its text and place."""

    text: str
    filter: Filter
    position: Position


@dataclass(frozen=True, slots=True, kw_only=True)
class CompanySettings:
    name: str
    time_zone: ZoneInfo


@dataclass(frozen=True, slots=True, kw_only=True)
class AbsenceRule:
    """Absent from full files means ended after this many complete files, the first and last this far apart."""

    files: int = 2
    hours: int = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusMapping:
    """Which values of the status column mean what; compared without case and surrounding blanks."""

    column: str
    values: Mapping[str, EngagementStatus]


class CustomAttributeType(StrEnum):
    """The data types of RFC 7643 section 2.3."""

    STRING = "string"
    BOOLEAN = "boolean"
    DECIMAL = "decimal"
    INTEGER = "integer"
    DATE_TIME = "dateTime"
    BINARY = "binary"
    REFERENCE = "reference"
    COMPLEX = "complex"


class CustomMutability(StrEnum):
    """What a client may do with a value (RFC 7643 section 7); nothing here is read-only, for nobody else writes it."""

    READ_WRITE = "readWrite"
    IMMUTABLE = "immutable"
    WRITE_ONLY = "writeOnly"


class CustomReturned(StrEnum):
    """When a value is in an answer (RFC 7643 section 7)."""

    ALWAYS = "always"
    DEFAULT = "default"
    REQUEST = "request"
    NEVER = "never"


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomAttributeSettings:
    """One attribute of a schema of the company's own, with the characteristics of RFC 7643 section 7."""

    name: str
    type: CustomAttributeType = CustomAttributeType.STRING
    multi_valued: bool = False
    required: bool = False
    case_exact: bool = False
    mutability: CustomMutability = CustomMutability.READ_WRITE
    returned: CustomReturned = CustomReturned.DEFAULT
    description: str = ""
    sub_attributes: tuple["CustomAttributeSettings", ...] = ()
    """Of a complex attribute; these are not complex themselves."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomSchemaSettings:
    """A schema of the company's own by which a source extends its users (RFC 7643 section 3.3)."""

    urn: str
    attributes: tuple[CustomAttributeSettings, ...]
    position: Position


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceSettings:
    name: SourceName
    kind: str
    path: Path | None
    """Where the file is delivered; None for a source that pushes."""
    key: str
    """Column, or SCIM attribute path, that names one engagement."""
    person_key: str | None
    date_format: str
    """As written: `YYYY-MM-DD`, `DD.MM.YYYY`, `MM/DD/YYYY`."""
    end_of_day: time
    absent_after: AbsenceRule
    columns: Mapping[str, str]
    """Identity attribute (SCIM name) -> column or SCIM attribute path; `status` stands apart."""
    status: StatusMapping | None
    position: Position
    extensions: tuple[CustomSchemaSettings, ...] = ()
    """Of a source that pushes."""

    @property
    def is_pushed(self) -> bool:
        """Clients push its people by SCIM; nothing is delivered."""
        return self.path is None


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSettings:
    """Where the program answers over HTTP."""

    host: str
    port: int
    """0: any free one."""
    url: str | None
    """How clients reach it, without a slash at the end; None: as it listens."""
    certificate: Path | None
    """PEM file with the whole chain; None where a proxy ends the encryption, or nobody leaves this machine."""
    private_key: Path | None
    behind_proxy: bool
    position: Position


@dataclass(frozen=True, slots=True, kw_only=True)
class UserSettings:
    name: UserName
    full_name: str
    roles: frozenset[str]
    token: SecretReference
    position: Position


class MatchStrength(StrEnum):
    PROOF = "proof"
    """An immutable id or employee number: links."""
    HINT = "hint"
    """A mail or user name: links only under the rules of design section 6."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchLine:
    account_attribute: str
    identity_attribute: str
    strength: MatchStrength


class Mode(StrEnum):
    OBSERVE = "observe"
    PROPOSE = "propose"
    ENFORCE = "enforce"


@dataclass(frozen=True, slots=True, kw_only=True)
class Seat:
    price: str
    """Decimal text, per month."""
    currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplicationSettings:
    name: ApplicationName
    connector: str
    connection: Mapping[str, object]
    """The keys that the connector's manifest declares; secrets are `SecretReference`s, tables are mappings."""
    match: tuple[MatchLine, ...]
    create: Mapping[str, tuple[str, ...]]
    """Account attribute -> templates in order (`{name.givenName:ascii}.{name.familyName:ascii}{n}`)."""
    attributes: Mapping[str, str]
    """Account attribute -> identity attribute, kept up to date by `update`."""
    owner: str | None
    mode: Mode
    protect: tuple[Condition, ...]
    admins: tuple[str, ...]
    """Entitlements (names inside the application) that make administrators."""
    privileged: tuple[str, ...]
    manage: Condition | None
    settle: timedelta | None
    """Overrides the manifest."""
    keep_for: timedelta | None
    deadline: timedelta | None
    """For removals by hand."""
    successor: str | None
    seat: Seat | None
    position: Position


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleSettings:
    name: RoleName
    when: Condition
    names_lifecycle: bool
    """The condition itself speaks of `lifecycle`; otherwise active is implied."""
    give: tuple[EntitlementRef, ...]
    position: Position


@dataclass(frozen=True, slots=True, kw_only=True)
class SodSettings:
    name: str
    both: tuple[EntitlementRef, EntitlementRef]
    why: str
    position: Position


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaverProfileSettings:
    name: str
    when: Condition | None
    """None on exactly one profile: the default."""
    limit: timedelta
    position: Position


@dataclass(frozen=True, slots=True, kw_only=True)
class AbsenceProfile:
    """What becomes of accounts during a leave of absence (`suspended`) or garden leave (`released`)."""

    keep_all: bool
    keep: tuple[EntitlementRef, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class BrakeSettings:
    """Integers; 0 means nothing passes. Defaults are those of design section 7."""

    surprise_leavers_floor: int = 3
    leavers_volume_percent: int = 15
    group_percent: int = 30
    group_floor: int = 4
    removals_floor: int = 5
    removals_percent: int = 10
    entitlement_removals_percent: int = 25
    entitlement_removals_floor: int = 5
    policy_removals: int = 20
    new_accounts_floor: int = 10
    new_accounts_percent: int = 10
    entitlement_growth_percent: int = 50
    entitlement_growth_floor: int = 5
    feed_rows_percent: int = 95
    rejects_floor: int = 3
    rejects_per_mille: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyTest:
    person: Attributes
    has: tuple[EntitlementRef, ...]
    has_not: tuple[EntitlementRef, ...]
    position: Position


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """Everything in the file. `policy_digest` is over what decides access, so that a new version is a new batch."""

    company: CompanySettings
    sources: Mapping[SourceName, SourceSettings]
    users: Mapping[UserName, UserSettings]
    applications: Mapping[ApplicationName, ApplicationSettings]
    roles: Mapping[RoleName, RoleSettings]
    sod: tuple[SodSettings, ...]
    leavers: tuple[LeaverProfileSettings, ...]
    suspended: AbsenceProfile
    released: AbsenceProfile
    brakes: BrakeSettings
    tests: tuple[PolicyTest, ...]
    policy_digest: Digest
    text: str = field(repr=False)
    """The file as it was read: evidence keeps it."""
    path: Path
    server: ServerSettings | None = None
