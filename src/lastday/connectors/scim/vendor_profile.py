"""What one vendor's SCIM interface really does, read from `vendors/NAME.toml`.

"Deactivate" is not one verb: here it suspends, there it destroys. Every group of facts says where it was read, when,
and how sure it is. A fact that nobody states is absent here, never guessed.
"""

import tomllib
from collections.abc import Mapping
from datetime import date
from functools import cache
from pathlib import Path
from string import Formatter
from typing import Annotated, Any, Final, Self

from pydantic import BaseModel, ConfigDict, Field, StrictBool, ValidationError, model_validator

from lastday.connectors.scim.vendor_terms import (
    Booleans,
    Confidence,
    DisableVerb,
    OpCase,
    PagingMode,
    PathForm,
    RemoveForm,
    RetryAfter,
    SessionEnd,
    Shown,
)
from lastday.model.errors import ConfigurationError, ManifestError

FOLDER: Final = Path(__file__).parent / "vendors"

Count = Annotated[int, Field(strict=True, ge=1)]
Seconds = Annotated[int, Field(strict=True, ge=0)]
Texts = tuple[Annotated[str, Field(min_length=1)], ...]


class _Facts(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Sourced(_Facts):
    """Facts with the place where they were read."""

    source: str = ""
    """A URL; empty only where nothing is confirmed."""
    checked_on: date
    confidence: Confidence
    note: str = ""

    @model_validator(mode="after")
    def _says_where(self) -> Self:
        if self.confidence is not Confidence.UNCONFIRMED and not self.source.startswith("https://"):
            raise ValueError(f"confidence is {self.confidence.value} and source is not an https address")
        return self


class Address(_Sourced):
    base_url: Annotated[str, Field(pattern=r"^https://")]
    """What stands before `/Users`; what differs per customer is in braces."""

    @property
    def placeholders(self) -> tuple[str, ...]:
        """The names in braces, in their order."""
        return tuple(name for _, name, _, _ in Formatter().parse(self.base_url) if name)


class Auth(_Sourced):
    kind: str
    """`bearer`, `oauth2`, `api_key` or `basic`."""
    header: str
    """The header as it is sent, with `{token}` in it."""
    token_of: str
    """Whose token it is and what it must be allowed."""
    dies_when: Texts = ()
    """What makes the token useless."""


class Create(_Sourced):
    allowed: StrictBool
    required: Texts = ()
    """Attributes without which the vendor refuses, beside userName."""
    single_valued: Texts = ()
    """Lists of which it takes no more than one element."""


class Disable(_Sourced):
    """What happens when active becomes false, or what stands in for that."""

    verb: DisableVerb
    form: PathForm | None = None
    """Only for `patch`."""
    reversible: StrictBool
    deletes: StrictBool
    """The account itself is gone afterwards."""
    destroys: Texts = ()


class Delete(_Sourced):
    """What DELETE /Users/{id} does."""

    exists: StrictBool
    reversible: StrictBool = False
    destroys: Texts = ()


class Sessions(_Sourced):
    ended_by: SessionEnd
    max_lag_s: Seconds | None = None
    """The longest that a session may go on after the disable; None where nobody says."""


class Effects(_Sourced):
    """What a leaver's operations leave behind."""

    keeps: Texts = ()
    """Credentials that stay alive or come back with the account."""
    survives: Texts = ()
    """Everything else that stays."""
    transfer_before: Texts = ()
    """What must be handed over first."""
    not_governed: Texts = ()
    """Accounts that this interface does not see."""


class Groups(_Sourced):
    exist: StrictBool
    max_members_per_patch: Count | None = None
    max_removals_per_patch: Count | None = None
    """Where fewer members may leave in one request than may come."""
    max_members_on_create: Count | None = None
    members_readable: StrictBool = True
    """A read of a group shows its members."""
    member_filter: str | None = None
    """The filter on /Groups that finds a group by its member, with `{user}` and perhaps `{group}`."""
    replace_members_allowed: StrictBool = True
    remove_all_allowed: StrictBool = True
    remove_form: RemoveForm = RemoveForm.PATH_FILTER


class Filter(_Sourced):
    operators: Texts = ()
    joins: Texts = ()
    """`and`, `or`; empty: one comparison only."""
    users: Texts = ()
    """Attributes of users that can be searched."""
    groups: Texts = ()
    max_nodes: Count | None = None


class Paging(_Sourced):
    mode: PagingMode
    max: Count | None = None
    """The most resources on one page; None where nobody says."""
    unsupported: Texts = ()
    """Query parameters of RFC 7644 section 3.4.2 that the vendor does not take."""


class Bucket(_Facts):
    """So many requests in so many seconds."""

    name: str
    applies_to: Annotated[Texts, Field(min_length=1)]
    """`METHOD /Users/{id}`; several methods as `POST|PUT`, any of them `*`; `/**` is any path."""
    window_s: Count | None = None
    requests: Count | None = None
    burst: Count | None = None
    concurrent: Count | None = None
    """How many may be under way at once."""
    larger_than_bytes: Count | None = None
    """Only requests with a longer body count."""
    shared: StrictBool = False
    """Counted together with every other client of the same customer."""

    @model_validator(mode="after")
    def _limits_something(self) -> Self:
        if (self.window_s is None) != (self.requests is None):
            raise ValueError("window_s and requests stand together")
        if self.requests is None and self.concurrent is None:
            raise ValueError("a bucket has requests or concurrent")
        return self

    def takes(self, method: str, path: str, body_bytes: int = 0) -> bool:
        """Whether a request counts here; `path` is the part after the base address, `/Users/7`."""
        if self.larger_than_bytes is not None and body_bytes <= self.larger_than_bytes:
            return False
        return any(_matches(pattern, method, path) for pattern in self.applies_to)


class Rates(_Sourced):
    buckets: tuple[Bucket, ...] = ()
    retry_after: RetryAfter = RetryAfter.UNKNOWN
    statuses: tuple[Count, ...] = (429,)
    """What a throttled request is answered."""

    def buckets_of(self, method: str, path: str, body_bytes: int = 0) -> tuple[Bucket, ...]:
        """Every bucket that a request counts in."""
        return tuple(bucket for bucket in self.buckets if bucket.takes(method, path, body_bytes))


class Patch(_Sourced):
    """The dialect of PATCH; `put_only` where there is none."""

    op_case: OpCase = OpCase.LOWER
    booleans: Booleans = Booleans.JSON
    path_form: PathForm = PathForm.PATH
    value_paths: StrictBool = True
    """It understands paths with a filter on users, `emails[type eq "work"]`."""
    put_only: StrictBool = False


class ReadBack(_Sourced):
    after_disable: Shown
    after_delete: Shown | None = None
    """None where there is no DELETE."""


class VendorProfile(_Facts):
    """One vendor's SCIM interface as a target.

    Not acted upon, but told to people (`docs/vendors.md`) or kept by the services that the connector is tested against:
    `plan`; of `auth` all but the header; `create.required`; of `groups` max_removals_per_patch, max_members_on_create
    and remove_all_allowed; of `filter` operators, joins and max_nodes; of `rates` retry_after and statuses;
    `patch.value_paths`; `read_back`; and where, when and how surely a fact was read, but for how surely in `disable`.
    """

    name: str
    title: str
    takes_scim: StrictBool
    plan: str = ""
    """The vendor's product or plan that has SCIM."""
    address: Address
    auth: Auth
    create: Create
    disable: Disable
    delete: Delete
    sessions: Sessions
    effects: Effects
    groups: Groups
    filter: Filter
    paging: Paging
    rates: Rates
    patch: Patch
    read_back: ReadBack

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> Self:
        for problem, is_there in _contradictions(self).items():
            if is_there:
                raise ValueError(problem)
        return self


class WithoutScim(_Sourced):
    """A vendor that takes no SCIM from us, and the interface that it has instead."""

    name: str
    title: str
    takes_scim: StrictBool
    instead: str


@cache
def vendors() -> tuple[str, ...]:
    """The names of all vendors that take SCIM, sorted."""
    return tuple(name for name in _files() if isinstance(_read(name), VendorProfile))


@cache
def vendors_without_scim() -> tuple[WithoutScim, ...]:
    """The vendors that do not, sorted by name."""
    profiles = (_read(name) for name in _files())
    return tuple(profile for profile in profiles if isinstance(profile, WithoutScim))


def load_vendor(name: str) -> VendorProfile:
    """The profile of a vendor. Raises ConfigurationError where there is none, or the vendor takes no SCIM."""
    if name not in _files():
        raise ConfigurationError(f"there is no vendor {name!r}", mend=f"One of: {', '.join(vendors())}.")
    profile = _read(name)
    if isinstance(profile, WithoutScim):
        raise ConfigurationError(f"{profile.title} takes no SCIM from Lastday", mend=profile.instead)
    return profile


def read_profile(path: Path) -> VendorProfile | WithoutScim:
    """The profile in a file. Raises ManifestError naming the file and each key that is wrong."""
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
        return _kind_of(content).model_validate({**content, "name": path.stem})
    except ValidationError as err:
        raise ManifestError(f"vendor {path.stem}: {_problems(err)}", where=str(path)) from err
    except (OSError, tomllib.TOMLDecodeError) as err:
        raise ManifestError(f"vendor {path.stem} cannot be read: {err}", where=str(path)) from err


@cache
def _read(name: str) -> VendorProfile | WithoutScim:
    return read_profile(FOLDER / f"{name}.toml")


@cache
def _files() -> tuple[str, ...]:
    return tuple(sorted(path.stem for path in FOLDER.glob("*.toml")))


def _kind_of(content: Mapping[str, Any]) -> type[VendorProfile] | type[WithoutScim]:
    return WithoutScim if content.get("takes_scim") is False else VendorProfile


def _problems(err: ValidationError) -> str:
    return "; ".join(f"{'.'.join(map(str, e['loc'])) or 'profile'}: {e['msg']}" for e in err.errors())


def _contradictions(profile: VendorProfile) -> dict[str, bool]:
    disable, delete, read_back = profile.disable, profile.delete, profile.read_back
    return {
        "disable: form stands with verb patch, and only there": (disable.form is None)
        == (disable.verb is DisableVerb.PATCH),
        "disable: what deletes the account cannot be reversible": disable.deletes and disable.reversible,
        "disable: verb delete needs delete.exists": disable.verb is DisableVerb.DELETE and not delete.exists,
        "disable: verb patch contradicts patch.put_only": disable.verb is DisableVerb.PATCH and profile.patch.put_only,
        "read_back: an account that the disable deletes is not shown as inactive": disable.deletes
        and read_back.after_disable is Shown.INACTIVE,
        "read_back: after_delete stands with delete.exists, and only there": (read_back.after_delete is None)
        == delete.exists,
        "delete: what does not exist destroys nothing": not delete.exists
        and bool(delete.destroys or delete.reversible),
    }


def _matches(pattern: str, method: str, path: str) -> bool:
    methods, _, wanted = pattern.partition(" ")
    if methods != "*" and method not in methods.split("|"):
        return False
    if wanted == "/**":
        return True
    parts, shape = path.strip("/").split("/"), wanted.strip("/").split("/")
    return len(parts) == len(shape) and all(s.startswith("{") or s == p for s, p in zip(shape, parts, strict=True))
