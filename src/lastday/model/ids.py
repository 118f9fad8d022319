"""Typed ids: passing the wrong id to the right function is the classic accident of this field."""

from typing import NewType

IdentityId = NewType("IdentityId", str)
EngagementId = NewType("EngagementId", str)
AccountId = NewType("AccountId", str)
NativeId = NewType("NativeId", str)
"""The immutable id that the application itself gave the account."""
ApplicationName = NewType("ApplicationName", str)
SourceName = NewType("SourceName", str)
RoleName = NewType("RoleName", str)
UserName = NewType("UserName", str)
"""A person who decides here (`[user.NAME]`), not a person who is governed."""
BatchId = NewType("BatchId", str)
PlanId = NewType("PlanId", str)
OperationId = NewType("OperationId", str)
CaseId = NewType("CaseId", str)
SnapshotId = NewType("SnapshotId", str)
EntryId = NewType("EntryId", str)
FindingId = NewType("FindingId", str)
ResourceId = NewType("ResourceId", str)
"""The immutable id that Lastday gives a pushed resource (RFC 7643 section 3.1)."""
TokenId = NewType("TokenId", str)
Digest = NewType("Digest", str)
"""SHA-256 in lower-case hex."""
