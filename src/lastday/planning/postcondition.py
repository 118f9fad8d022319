"""What a fresh read must show for each verb. Pure; the reading itself is done elsewhere.

CONFIRMED: the state is there. NOT_YET: it is not there yet, and may still come. CONTRADICTED: the read shows something
that no lag explains, such as two accounts with one key. The patience with NOT_YET is that of the operation's machine.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from lastday.model.account import ObservedAccount
from lastday.model.attributes import NO_ATTRIBUTES, Attributes
from lastday.model.operation import Operation, Verb, VerificationKind
from lastday.planning.staying import same_values


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    kind: VerificationKind
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Extra:
    """What else was read, where the connector can; None where it was not or cannot be read."""

    sessions: int | None = None
    """Live sessions of the account."""
    owned: int | None = None
    """Things that the account still owns."""
    sign_in_refused: bool | None = None
    """A sign-in was tried: refused (True) or let in (False)."""
    searched: bool = True
    """False where nothing was known of the account by which it could be searched."""


NOTHING_ELSE = Extra()


def postcondition(
    operation: Operation,
    observed: ObservedAccount | None,
    found: Sequence[ObservedAccount],
    *,
    key: Attributes = NO_ATTRIBUTES,
    extra: Extra = NOTHING_ELSE,
) -> Judgement:
    """What the fresh reads say of `operation`.

    `observed` is what the read by native id gave (None: there is none), `found` what the search by the account's key
    or user name gave; an account counts as absent only where both find nothing. `key` holds, for a create, the proof
    attributes that the account must carry. `extra` holds sessions, owned things and the negative probe.
    """
    there = _there(observed, found)
    match operation.verb:
        case Verb.DELETE:
            return _gone(there, searched=extra.searched)
        case Verb.CREATE:
            return _made(observed, found, key)
        case Verb.DISABLE:
            return _off(there, extra)
        case Verb.END_SESSIONS:
            return _none_left(there, extra.sessions, "session")
        case Verb.TRANSFER:
            return _none_left(there, extra.owned, "owned thing")
        case Verb.REVOKE:
            held = there is not None and there.holds(operation.entitlement or "")
            return _judged("It is not held.", "It is still held.", so=not held)
        case _:
            return _lively(operation, there)


def _there(observed: ObservedAccount | None, found: Sequence[ObservedAccount]) -> ObservedAccount | None:
    """The account itself; where the read by id says 404 but the search finds one, that one counts as it."""
    return observed if observed is not None else next(iter(found), None)


def _judged(yes: str, no: str, *, so: bool) -> Judgement:
    return Judgement(kind=VerificationKind.CONFIRMED if so else VerificationKind.NOT_YET, detail=yes if so else no)


def _gone(there: ObservedAccount | None, *, searched: bool) -> Judgement:
    gone = "Neither a read by id nor a search finds it." if searched else "A read by id does not find it."
    return _judged(gone, "A read by id or a search still finds it.", so=there is None)


def _off(there: ObservedAccount | None, extra: Extra) -> Judgement:
    if there is not None and there.enabled:
        return Judgement(kind=VerificationKind.NOT_YET, detail="The account is still on.")
    if extra.sign_in_refused is False:
        return Judgement(
            kind=VerificationKind.CONTRADICTED, detail="The account says that it is off, and a sign-in got in."
        )
    probe = " A sign-in was refused." if extra.sign_in_refused else ""
    return Judgement(
        kind=VerificationKind.CONFIRMED,
        detail=("The account is off." if there is not None else "The account is not there.") + probe,
    )


def _none_left(there: ObservedAccount | None, count: int | None, what: str) -> Judgement:
    if there is None:
        return Judgement(kind=VerificationKind.CONFIRMED, detail="The account is not there.")
    if count is None:
        return Judgement(kind=VerificationKind.UNREADABLE, detail=f"It could not be read whether a {what} is left.")
    return _judged(f"No {what} is left.", f"Still there: {count} {what}(s).", so=count == 0)


def _made(observed: ObservedAccount | None, found: Sequence[ObservedAccount], key: Attributes) -> Judgement:
    """Exactly one account carries the key, and it is the one that was made."""
    there = _there(observed, found)
    if there is None:
        return Judgement(kind=VerificationKind.NOT_YET, detail="It is not there yet.")
    natives = {one.native_id for one in found} | {there.native_id}
    if len(natives) > 1:
        return Judgement(
            kind=VerificationKind.CONTRADICTED, detail=f"{len(natives)} accounts carry the same key; one should."
        )
    carried = all(same_values(there.attributes.get(name, ()), values) for name, values in key.items())
    if not carried:
        return Judgement(kind=VerificationKind.NOT_YET, detail="It is there, but without the key that was set.")
    return _judged("It is there, on, with its key.", "It is there, but off.", so=there.enabled)


def _lively(operation: Operation, there: ObservedAccount | None) -> Judgement:
    """Enable, give, update and rotate need an account that is there."""
    if there is None:
        return Judgement(kind=VerificationKind.CONTRADICTED, detail="The account is not there.")
    if operation.verb is Verb.ENABLE:
        return _judged("The account is on.", "The account is still off.", so=there.enabled)
    if operation.verb is Verb.GIVE:
        return _judged("It is held.", "It is not held yet.", so=there.holds(operation.entitlement or ""))
    if operation.verb is Verb.UPDATE:
        wrong = [n for n, v in operation.payload.items() if not same_values(there.attributes.get(n, ()), v)]
        wrong += [name for name in operation.cleared if name in there.attributes]
        return _judged("The values are set.", f"Not yet as set: {', '.join(sorted(wrong))}.", so=not wrong)
    return Judgement(kind=VerificationKind.UNREADABLE, detail="Nothing that can be read shows this.")
