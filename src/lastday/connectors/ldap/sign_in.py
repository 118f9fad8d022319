"""Turning the sign-in of an entry off and on again: an unusable password, and a lock where the server obeys one.

The unusable password is one fixed value: a well-formed `{SSHA}` hash whose digest is twenty zero bytes. Nobody knows a
password that gives this digest, so no client can bind with it on any server that knows the scheme; being fixed it is
recognised by equality, cannot be forged with a password known to somebody, and writing it twice changes nothing.

The old values go to escrow before they are overwritten, and are never the marker, so that no order of crashes and
repetitions can lose the true ones.

The lock is `pwdAccountLockedTime: 000001010000Z` (slapo-ppolicy(5)). A server accepts it and goes on letting people in
where no policy applies to the entry. So it is written only where the server itself judges the entry by a policy
(account usability control), and believed only where that judgement says "not available".
"""

import base64
import json

from lastday.connectors.ldap.answers import Change, Entry, Modification
from lastday.connectors.sdk.ports import Ports
from lastday.model.ids import ApplicationName, NativeId

UNUSABLE = b"{SSHA}" + base64.b64encode(bytes(20) + b"LASTDAY-DISABLED")
PERMANENT_LOCK = b"000001010000Z"
ESCROW_KIND = "userPassword"
_PASSWORD = "userPassword"  # noqa: S105 - the name of an attribute
_LOCK = "pwdAccountLockedTime"
LOCK = Modification(attribute=_LOCK, change=Change.REPLACE, values=(PERMANENT_LOCK,))


def has_unusable_password(entry: Entry) -> bool:
    """The marker is the only password of the entry."""
    return entry.attributes.get("userpassword", ()) == (UNUSABLE,)


def has_lock(entry: Entry) -> bool:
    """The lock that never runs out is written in the entry, obeyed or not."""
    return PERMANENT_LOCK in entry.attributes.get("pwdaccountlockedtime", ())


def is_locked(entry: Entry) -> bool:
    """The lock is written and the server says that it obeys it."""
    return has_lock(entry) and entry.usable is False


def is_enabled(entry: Entry) -> bool:
    """Somebody who knows or is given the right password gets in; an entry without a password counts as enabled."""
    return not (has_unusable_password(entry) or is_locked(entry))


def lock_would_work(entry: Entry) -> bool:
    """A password policy applies to the entry: the server gave its judgement of it."""
    return entry.usable is not None


def password_is_hidden(entry: Entry) -> bool:
    """The entry has a password that we may not read: the server judges only entries that have one."""
    return entry.usable is not None and not entry.attributes.get("userpassword")


def changes_to_disable(entry: Entry) -> tuple[Modification, ...]:
    """What is still to be written so that nobody can sign in; empty where nothing is. One step for the server:
    a password change in a step of its own would take an older lock away again."""
    changes = []
    if not has_unusable_password(entry):
        changes.append(Modification(attribute=_PASSWORD, change=Change.REPLACE, values=(UNUSABLE,)))
    if lock_would_work(entry) and not has_lock(entry):
        changes.append(LOCK)
    return tuple(changes)


def next_change_to_enable(entry: Entry, kept: tuple[bytes, ...]) -> Modification | None:
    """The next thing to be written so that the old password works again; None where nothing is left to do.

    One at a time: with a password change ppolicy takes the lock away itself, and refuses to do it twice.
    """
    if UNUSABLE in entry.attributes.get("userpassword", ()):
        return Modification(attribute=_PASSWORD, change=Change.REPLACE, values=kept)
    if has_lock(entry):
        return Modification(attribute=_LOCK, change=Change.REPLACE)
    return None


async def keep_password(ports: Ports, application: ApplicationName, native_id: NativeId, entry: Entry) -> None:
    """What the entry would lose is in escrow. Where the marker stands already, what is kept is the truth and stays."""
    values = entry.attributes.get("userpassword", ())
    if UNUSABLE in values:
        return
    sealed = json.dumps([base64.b64encode(value).decode() for value in values])
    kept = await ports.escrow.look(application, native_id, ESCROW_KIND)
    if kept == sealed:
        return
    if kept is not None:  # left over from before the person got another password: what stands in the entry is newer
        await ports.escrow.discard(application, native_id, ESCROW_KIND)
    await ports.escrow.keep(application, native_id, ESCROW_KIND, sealed)


async def kept_password(ports: Ports, application: ApplicationName, native_id: NativeId) -> tuple[bytes, ...] | None:
    """The values in escrow; None where nothing was kept."""
    sealed = await ports.escrow.look(application, native_id, ESCROW_KIND)
    return None if sealed is None else tuple(base64.b64decode(value) for value in json.loads(sealed))


async def forget_password(ports: Ports, application: ApplicationName, native_id: NativeId) -> None:
    """Nothing of this entry is in escrow any more."""
    await ports.escrow.discard(application, native_id, ESCROW_KIND)
