"""Operations are made here and nowhere else: the same id for the same wish, and what holds an operation back."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TypedDict, Unpack

from lastday.configuration.settings import Mode
from lastday.model.account import Account
from lastday.model.attributes import Attributes
from lastday.model.canonical import short_id
from lastday.model.finding import Finding
from lastday.model.ids import BatchId, IdentityId, OperationId
from lastday.model.operation import Because, Operation, Verb
from lastday.model.plan import NoOperation
from lastday.planning.administrators import Administrator, judge_last_administrator
from lastday.planning.profile import (
    CREATES,
    DELETES,
    DISABLES,
    GIVES,
    REVOKES,
    TRANSFERS,
    UPDATES,
    ApplicationProfile,
    PersonFacts,
)

_NEEDS = {
    Verb.CREATE: CREATES,
    Verb.UPDATE: UPDATES,
    Verb.ENABLE: DISABLES,
    Verb.DISABLE: DISABLES,
    Verb.GIVE: GIVES,
    Verb.REVOKE: REVOKES,
    Verb.TRANSFER: TRANSFERS,
    Verb.DELETE: DELETES,
}
_PRIORITY = {
    Verb.DISABLE: 10,
    Verb.END_SESSIONS: 20,
    Verb.REVOKE: 40,
    Verb.TRANSFER: 60,
    Verb.CREATE: 75,
    Verb.ENABLE: 75,
    Verb.UPDATE: 77,
    Verb.GIVE: 80,
    Verb.DELETE: 90,
}
_PRIVILEGED_REVOKE = 30
_IDENTITY_PROVIDER = 5
"""Cutting the sign-in that all others hang on goes before every other sign-in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """What is proposed for one person in one application."""

    operations: tuple[Operation, ...] = ()
    findings: tuple[Finding, ...] = ()
    drift: tuple[Finding, ...] = ()
    notes: tuple[NoOperation, ...] = ()

    def __add__(self, other: "Proposal") -> "Proposal":
        return Proposal(
            operations=self.operations + other.operations,
            findings=self.findings + other.findings,
            drift=self.drift + other.drift,
            notes=self.notes + other.notes,
        )


class Extras(TypedDict, total=False):
    """What only some verbs carry."""

    payload: Attributes
    cleared: tuple[str, ...]
    name_candidates: tuple[str, ...]
    after: tuple[OperationId, ...]
    due_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Drafter:
    """Makes the operations of one person in one application, all under the same conditions."""

    batch: BatchId
    person: PersonFacts
    profile: ApplicationProfile
    now: datetime
    losing: frozenset[IdentityId] = frozenset()
    """People whose administration here this plan takes or would take: none of them counts as one who stays."""
    giving_accepted: bool = False
    """The acceptance of a first load covers what it gives."""

    def operation(
        self,
        verb: Verb,
        account: Account | None,
        because: Because,
        detail: str,
        *,
        entitlement: str | None = None,
        **extras: Unpack[Extras],
    ) -> Operation:
        """One operation; its id follows from batch, person, application, account, verb and entitlement."""
        identity, name = self.person.identity.id, self.profile.name
        native = None if account is None else account.native_id
        return Operation(
            id=OperationId(short_id("o", self.batch, identity, name, native or "new", verb.value, entitlement or "")),
            identity=identity,
            application=name,
            account=None if account is None else account.id,
            native_id=native,
            verb=verb,
            entitlement=entitlement,
            because=because,
            detail=detail,
            priority=self._priority(verb, entitlement),
            reversible=not self.profile.destroys_with(verb.value),
            manual=self.is_manual(verb),
            approval=self._approval(verb, entitlement),
            stopped="observe" if self.profile.mode is Mode.OBSERVE else None,
            **extras,
        )

    def is_manual(self, verb: Verb) -> bool:
        """The connector has no interface for the verb, so that a person must do it."""
        needed = _NEEDS.get(verb)
        return needed is not None and not self.profile.can(needed)

    def last_administrator(self, account: Account) -> Finding | None:
        """Says that no other administrator would stay; None where one does.

        The account itself counts as seen, as it holds the entitlement: where nobody was counted, nobody else stays.
        """
        profile = self.profile
        itself = Administrator(
            native_id=account.native_id, identity=account.identity, enabled=account.observed.enabled, stays=False
        )
        return judge_last_administrator(
            profile.name,
            account.native_id,
            (itself, *profile.administrators),
            owner=profile.owner,
            now=self.now,
            leaving=self.losing,
        ).finding

    def last_administrator_of(self, account: Account) -> Finding | None:
        """The same, for taking the whole account: None also where it administers nothing."""
        administers = any(account.observed.holds(name) for name in self.profile.admins)
        return self.last_administrator(account) if administers and account.observed.enabled else None

    def note(self, detail: str) -> Proposal:
        """Looked at, nothing to do."""
        note = NoOperation(identity=self.person.identity.id, application=self.profile.name, detail=detail)
        return Proposal(notes=(note,))

    def _priority(self, verb: Verb, entitlement: str | None) -> int:
        if verb is Verb.DISABLE and self.profile.identity_provider:
            return _IDENTITY_PROVIDER
        if verb is Verb.REVOKE and is_privileged(entitlement, self.profile):
            return _PRIVILEGED_REVOKE
        return _PRIORITY[verb]

    def _approval(self, verb: Verb, entitlement: str | None) -> str | None:
        """A proposal waits for its approval; a task for a person is a proposal already, and needs none."""
        if self.profile.mode is Mode.PROPOSE and not self.is_manual(verb):
            return "propose"
        if verb is Verb.GIVE and is_privileged(entitlement, self.profile) and not self.giving_accepted:
            return "privileged"
        return None


def is_privileged(entitlement: str | None, profile: ApplicationProfile) -> bool:
    return entitlement in profile.privileged or entitlement in profile.admins


def reasons_by_name(person: PersonFacts, profile: ApplicationProfile) -> Mapping[str, str]:
    """For each entitlement that the person should have here, the reasons as one sentence."""
    wish = person.desired.of(profile.name)
    given = () if wish is None else wish.assignments
    return {a.entitlement.name: "; ".join(reason.detail for reason in a.reasons) for a in given}
