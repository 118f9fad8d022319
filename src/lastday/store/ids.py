"""The only place where random ids are made. Ids that follow from content come from `model.canonical.short_id`."""

import secrets

from lastday.model.ids import AccountId, FindingId, SnapshotId


def new_id(prefix: str) -> str:
    """An id that nobody has had: 80 random bits in hex after the prefix."""
    return f"{prefix}-{secrets.token_hex(10)}"


def new_account_id() -> AccountId:
    return AccountId(new_id("acc"))


def new_snapshot_id() -> SnapshotId:
    return SnapshotId(new_id("snap"))


def new_finding_id() -> FindingId:
    return FindingId(new_id("f"))


def new_worker_id() -> str:
    """The name of one process among all that share a database."""
    return new_id("w")
