"""Under which user the server runs, and which paths that user can reach."""

import os
import pwd
import stat
from dataclasses import dataclass
from pathlib import Path

from lastday.model.errors import DatabaseUnusable

_PLAIN_USERS = ("postgres", "nobody")


@dataclass(frozen=True, slots=True)
class Runner:
    """The user of the server process."""

    name: str
    uid: int
    gid: int

    @property
    def is_us(self) -> bool:
        return self.uid == os.geteuid()


def choose_runner(data: Path) -> Runner:
    """The owner of the data where there is data; else ourselves, or as root a plain user that exists already.

    Raises DatabaseUnusable where the data is somebody else's or no such user exists.
    """
    if data.exists():
        return _owner_of(data)
    if os.geteuid() != 0:
        return _named(os.geteuid())
    for name in _PLAIN_USERS:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        if entry.pw_uid != 0:
            return Runner(name, entry.pw_uid, entry.pw_gid)
    raise DatabaseUnusable(
        "PostgreSQL does not run as root, and there is no user postgres or nobody",
        effect="nothing was started",
        mend="run Lastday as an ordinary user, or set DATABASE_URL",
        code="T102",
    )


def first_closed(path: Path, runner: Runner) -> Path | None:
    """The first folder on the way to `path` (or `path` itself) that the runner may not pass; None where it can."""
    if runner.is_us:
        return None if os.access(path, os.X_OK) else path
    real = path.resolve()
    return next((place for place in (*reversed(real.parents), real) if not _may_pass(place, runner)), None)


def _may_pass(place: Path, runner: Runner) -> bool:
    status = place.stat()
    if status.st_uid == runner.uid:
        return bool(status.st_mode & stat.S_IXUSR)
    if status.st_gid == runner.gid:
        return bool(status.st_mode & stat.S_IXGRP)
    return bool(status.st_mode & stat.S_IXOTH)


def _owner_of(data: Path) -> Runner:
    owner = data.stat().st_uid
    if os.geteuid() not in (0, owner) or owner == 0:
        raise DatabaseUnusable(
            f"{data} belongs to user {owner}, and we are user {os.geteuid()}",
            effect="nothing was started",
            mend="run as its owner or as root, or let LASTDAY_HOME name another folder",
            code="T102",
            where=str(data),
        )
    return _named(owner)


def _named(uid: int) -> Runner:
    try:
        entry = pwd.getpwuid(uid)
    except KeyError as error:
        raise DatabaseUnusable(
            f"user {uid} has no name on this machine, and PostgreSQL needs one",
            effect="nothing was started",
            mend="give the user an entry in /etc/passwd, or set DATABASE_URL",
            code="T102",
        ) from error
    return Runner(entry.pw_name, entry.pw_uid, entry.pw_gid)
