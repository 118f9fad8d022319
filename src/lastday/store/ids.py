"""The only place where random ids are made. Ids that follow from content come from `model.canonical.short_id`."""

import secrets
import uuid

from lastday.model.ids import AccountId, FindingId, ResourceId, SnapshotId, TokenId


def new_id(prefix: str) -> str:
    """An id that nobody has had: 80 random bits in hex after the prefix."""
    return f"{prefix}-{secrets.token_hex(10)}"


def new_account_id() -> AccountId:
    return AccountId(new_id("acc"))


def new_snapshot_id() -> SnapshotId:
    return SnapshotId(new_id("snap"))


def new_finding_id() -> FindingId:
    return FindingId(new_id("f"))


def new_resource_id() -> ResourceId:
    """In the shape of a UUID, because clients made their columns for those; 122 random bits."""
    return ResourceId(str(uuid.UUID(bytes=secrets.token_bytes(16), version=4)))


def new_token_id() -> TokenId:
    return TokenId(new_id("t"))


def new_worker_id() -> str:
    """The name of one process among all that share a database."""
    return new_id("w")
