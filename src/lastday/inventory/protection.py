"""Which accounts automation never touches: named by `protect`, our own principal, break-glass."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from lastday.configuration.settings import Condition
from lastday.filters.predicate import Predicate, compile_predicate
from lastday.inventory.correlation import folded
from lastday.model.account import Account, AccountKind, ObservedAccount
from lastday.model.attributes import Attributes

Protection = Callable[[ObservedAccount, AccountKind], bool]


def protection_of(conditions: Sequence[Condition], principal: str | None) -> Protection:
    """A function that tells whether an account is protected.

    The conditions see what the application says of the account, under its own names, and beside that `userName`,
    `id` (the native id) and `active`. `principal` is the name under which the application knows our connection.
    """
    predicates = tuple(compile_predicate(condition.filter) for condition in conditions)

    def protects(observed: ObservedAccount, kind: AccountKind) -> bool:
        return (
            kind is AccountKind.BREAK_GLASS
            or (principal is not None and is_principal(observed, principal))
            or _satisfies_one(observed, predicates)
        )

    return protects


def mark_protected(accounts: Sequence[Account], protects: Protection) -> tuple[Account, ...]:
    """The same accounts, with `protected` as it is true now; what was protected before stays so only by a reason."""
    return tuple(replace(a, protected=protects(a.observed, a.kind)) for a in accounts)


def is_principal(observed: ObservedAccount, principal: str) -> bool:
    """The account is the one that our own connection uses: by native id, user name, or the first part of its DN."""
    wanted = {folded(principal), folded(_first_value(principal))}
    return bool(wanted & {folded(observed.native_id), folded(observed.username)})


def _first_value(principal: str) -> str:
    """`cn=lastday,dc=northwind` -> `lastday`; anything else stays."""
    first, comma, _ = principal.partition(",")
    name, equals, value = first.partition("=")
    return value if equals and name.isalnum() and (comma or value) else principal


def _satisfies_one(observed: ObservedAccount, predicates: Sequence[Predicate]) -> bool:
    resource = _resource(observed)
    moment: datetime | None = None
    return any(predicate(resource, moment) for predicate in predicates)


def _resource(observed: ObservedAccount) -> Attributes:
    own = Attributes.of({"userName": observed.username, "id": observed.native_id, "active": observed.enabled})
    return own.merged(observed.attributes)
