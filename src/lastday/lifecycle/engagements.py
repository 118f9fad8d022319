"""How a row becomes the next version of an engagement: its end, since when that is known, letters that were lost."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from lastday.lifecycle.normalise import EndBasis, NormalisedRow
from lastday.model.attributes import Attributes
from lastday.model.canonical import short_id
from lastday.model.finding import Finding, Severity
from lastday.model.identity import Engagement, EngagementStatus
from lastday.model.ids import EngagementId, IdentityId, SourceName

ARCHIVED = "~"
"""Between the key and the end of an engagement that was over before the source used its key again."""
NEXT_DAY = timedelta(hours=24)

Place = tuple[SourceName, str]


def engagement_of(identity: IdentityId, row: NormalisedRow, old: Engagement | None) -> Engagement:
    """The engagement that `row` tells of, its end as the row has it.

    An end that rests on receipt stays at the first file that told of it.
    """
    ends_at = row.ends_at
    told_before = old is not None and old.status is EngagementStatus.ENDED and old.ends_at is not None
    if row.end_basis is EndBasis.RECEIPT and old is not None and told_before:
        ends_at = old.ends_at
    return Engagement(
        id=EngagementId(short_id("e", row.source, row.key)),
        identity=identity,
        source=row.source,
        key=row.key,
        attributes=row.attributes,
        status=row.status,
        starts_at=row.starts_at,
        ends_at=ends_at,
    )


def with_end_history(
    new: Engagement, old: Engagement | None, received_at: datetime, *, first_import: bool
) -> Engagement:
    """Since when this same end is known. A moved end is a new end: the 72 hours begin again."""
    if new.ends_at is None:
        return replace(new, end_known_since=None, end_accepted=False)
    if old is not None and old.ends_at == new.ends_at:
        return replace(new, end_known_since=old.end_known_since or received_at, end_accepted=old.end_accepted)
    return replace(new, end_known_since=received_at, end_accepted=first_import)


def begins_again(old: Engagement, row: NormalisedRow) -> bool:
    """The source uses the key of an engagement that is over by the time the row's begins: a rehire under one key."""
    return old.ends_at is not None and row.starts_at is not None and old.ends_at < row.starts_at != old.starts_at


def archived(old: Engagement, next_start: datetime | None) -> Engagement:
    """The engagement under a key of its own, so that the one that follows does not hide the gap between them."""
    key = f"{old.key}{ARCHIVED}{old.ends_at:%Y%m%d%H%M}"
    follows = old.ends_at is not None and next_start is not None and next_start - old.ends_at < NEXT_DAY
    return replace(
        old,
        id=EngagementId(short_id("e", old.source, key)),
        key=key,
        ends_at=next_start if follows else old.ends_at,
    )


def is_archived(key: str) -> bool:
    """The key is one that `archived` made."""
    base, mark, end = key.rpartition(ARCHIVED)
    return bool(base and mark) and len(end) == 12 and end.isdigit()


def bridged(engagements: Sequence[Engagement], rows: Mapping[Place, NormalisedRow]) -> tuple[Engagement, ...]:
    """An end by date lasts until the next engagement of the same person, where that begins within the day after.

    A contract to the 31st and a job from the 1st leave no gap: nobody is put out for one night. An exact moment is
    taken at its word.
    """
    begun = [e for e in engagements if e.starts_at is not None and (e.ends_at is None or e.ends_at > e.starts_at)]

    def lasting(engagement: Engagement) -> Engagement:
        row = rows.get((engagement.source, engagement.key))
        end = engagement.ends_at
        if row is None or end is None or row.end_basis is not EndBasis.DATE:
            return engagement
        others = (e.starts_at for e in begun if e.id != engagement.id and e.starts_at is not None)
        follower = min((start for start in others if end < start < end + NEXT_DAY), default=end)
        return replace(engagement, ends_at=follower)

    return tuple(lasting(engagement) for engagement in engagements)


def restore_letters(row: NormalisedRow, old: Engagement | None) -> tuple[Attributes, tuple[Finding, ...]]:
    """The row's attributes with the old value wherever the file's encoding may have lost a letter."""
    if not row.lost:
        return row.attributes, ()
    before = Attributes() if old is None else old.attributes
    kept = {name: before[name] for name in row.lost if name in before}
    unknown = [name for name in row.lost if name not in before]
    said = f"the old values of {', '.join(kept)} stay" if kept else ""
    said += f"{'; ' if said else ''}{', '.join(unknown)} cannot be restored" if unknown else ""
    finding = Finding(
        code="S134",
        severity=Severity.WARNING,
        subject=f"{row.source}/{row.key}",
        detail=f"line {row.line}: a ? stands where the file's encoding may lack a letter; {said}",
        mend="Export the file as UTF-8.",
    )
    return row.attributes.merged(Attributes.of(kept)), (finding,)
