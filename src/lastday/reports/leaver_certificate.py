"""The readable page of a case: what was to happen, what was done, and what proves it. Never why somebody left."""

from collections.abc import Iterable
from datetime import datetime

from lastday.evidence.certificate import Report, ReportRow
from lastday.model.case import CaseKind, CaseState, Coverage
from lastday.model.identity import Identity
from lastday.model.ids import ApplicationName
from lastday.model.operation import Milestone, OperationState, Verb, VerificationKind
from lastday.reports.case_file import CaseFile, ProvenOperation, cause_words
from lastday.reports.feed_row import FeedRow
from lastday.reports.pushed_row import PushedRequest
from lastday.reports.wording import (
    CLOSING_KINDS,
    COVERAGES,
    FORESEEN,
    MILESTONES,
    TITLES,
    action_words,
    instant_words,
    span_words,
    state_words,
)

_ACCESS = (Milestone.ACCESS_GONE, Milestone.ENTITLEMENTS_GONE)
_UNDONE = (Coverage.UNKNOWN, Coverage.MANUAL, Coverage.CONTRADICTED, Coverage.FAILED)
_LATER = (Verb.DELETE, Verb.WIPE)


def leaver_certificate(file: CaseFile) -> Report:
    """The page of the case; of a joiner, mover or anybody else with the words that fit."""
    return Report(
        title=f"{TITLES[file.case.kind]}: {file.company}",
        subject=subject_words(file.person, file.batch.opened_at),
        verdict=verdict_words(file),
        facts=tuple(_facts(file)),
        rows=tuple(_row(one) for one in file.operations),
        remarks=tuple(_remarks(file)),
    )


def subject_words(person: Identity, at: datetime) -> str:
    """Name, number, job: as the source said when the case was opened."""
    said = person.leading_engagement(at).attributes
    named = said.text("displayName") or " ".join(
        part for part in (said.text("name.givenName"), said.text("name.familyName")) if part
    )
    parts = (named or person.id, person.employee_number, said.text("title"), said.text("department"))
    return ", ".join(part for part in parts if part)


def verdict_words(file: CaseFile) -> str:
    """The whole in one sentence."""
    if file.case.state is CaseState.STOPPED:
        return "Stopped: a brake holds this case, and nothing was done for it."
    if file.case.state is CaseState.SUPERSEDED:
        return "Superseded: a newer decision about this person took the place of this one."
    missing = _missing(file)
    if missing:
        return f"Incomplete: {'; '.join(missing)}."
    if file.case.kind in CLOSING_KINDS:
        return _gone_words(file)
    waiting = _unproven(file)
    if waiting or file.case.state is not CaseState.COMPLETE:
        return f"Under way: {len(waiting)} of {len(file.operations)} changes are not proven yet."
    return f"Access is as it should be in all {len(file.case.coverage)} applications{_since(file)}."


def _missing(file: CaseFile) -> list[str]:
    return [f"{name} is missing ({COVERAGES[state]})" for name, state in file.case.coverage if state in _UNDONE]


def _unproven(file: CaseFile) -> list[ProvenOperation]:
    """What must be through before all access counts as gone; a deletion at the end of a keep time need not be."""
    return [
        one
        for one in file.operations
        if not one.stored.life.state.counts_for_milestones and one.stored.operation.verb not in _LATER
    ]


def _gone_words(file: CaseFile) -> str:
    reached = dict(file.case.milestones)
    waiting = _unproven(file)
    if waiting or not all(milestone in reached for milestone in _ACCESS):
        return f"Under way: {len(waiting)} of {len(file.operations)} removals are not proven yet."
    what = "All access" if file.case.kind is CaseKind.LEAVER else "All sign-in"
    return f"{what} was gone{_since(file)}{_within_limit(file)}{_deleted_later(file)}."


def _since(file: CaseFile) -> str:
    verified = _last_verified(file)
    if verified is None:
        return ": every application was asked and had nothing to take" if file.case.kind in CLOSING_KINDS else ""
    settled = _last(one.stored.life.settled_at for one in file.operations)
    again = f", and still at {instant_words(settled)} when it was read a second time" if settled else ""
    return f" at {instant_words(verified)}{again}"


def _last_verified(file: CaseFile) -> datetime | None:
    """When the last change was seen by a fresh read, or confirmed by the person who did it."""
    return _last(
        one.stored.life.accepted_at
        if one.stored.life.state is OperationState.CONFIRMED_BY_HAND
        else one.stored.life.verified_at
        for one in file.operations
    )


def _last(instants: Iterable[datetime | None]) -> datetime | None:
    return max((at for at in instants if at is not None), default=None)


def _within_limit(file: CaseFile) -> str:
    verified = _last_verified(file)
    if verified is None or file.case.limit_s is None:
        return ""
    took = (verified - _clock_starts(file)).total_seconds()
    limit = span_words(file.case.limit_s)
    if took <= file.case.limit_s:
        return f"; {span_words(took)} after it was due, inside the limit of {limit}"
    return f"; {span_words(took)} after it was due, LATER than the limit of {limit}"


def _clock_starts(file: CaseFile) -> datetime:
    """The limit counts from the effective instant, or from when we could first know of it."""
    return max(file.case.effective_at, file.case.opened_at)


def _deleted_later(file: CaseFile) -> str:
    later = _last(
        one.stored.life.wake_at
        for one in file.operations
        if one.stored.operation.verb in _LATER and one.stored.life.state is OperationState.WAITING
    )
    return f". What is kept is deleted by {instant_words(later)}" if later else ""


def _facts(file: CaseFile) -> Iterable[tuple[str, str]]:
    case = file.case
    yield "Company", file.company
    yield "Case", f"{case.id} ({case.kind.value}, {case.state.value})"
    yield "Cause", cause_words(file.batch)
    if file.row is not None:
        yield "Row", _row_words(file.row)
        for request in file.row.pushed.requests:
            yield "Pushed by", _request_words(request)
    if file.change is not None and case.kind in CLOSING_KINDS:
        yield "Foreseen", FORESEEN[file.change.surprise]
    yield "Effective", instant_words(case.effective_at)
    yield "Opened", instant_words(case.opened_at)
    if case.kind is CaseKind.LEAVER:
        yield "Profile", "urgent" if file.urgent else "standard"
    if case.limit_s is not None:
        yield "Limit", span_words(case.limit_s)
    for milestone, at in case.milestones:
        if case.kind in CLOSING_KINDS:
            yield MILESTONES[milestone], instant_words(at)
    for name, coverage in case.coverage:
        yield f"In {name}", COVERAGES[coverage]
    yield "Batch", f"{file.batch.id}, SHA-256 {file.batch.hash}"
    for plan, hashed in file.plans:
        yield "Plan", f"{plan}, SHA-256 {hashed}"


def _row_words(row: FeedRow) -> str:
    named = f"{row.key} of source {row.source}"
    if row.pushed.requests:
        return f"{named}: {row.pushed.change}" if row.pushed.change else named
    if row.feed is None:
        return f"{named}, as it was taken in"
    return f"{named}, line {row.line} of {row.feed}, file SHA-256 {row.digest}"


def _request_words(request: PushedRequest) -> str:
    received = instant_words(request.received_at)
    return f"client {request.client}, {request.method}, request {request.request}, received {received}"


def _row(one: ProvenOperation) -> ReportRow:
    o, life = one.stored.operation, one.stored.life
    return ReportRow(
        application=o.application,
        account=one.account,
        action=action_words(one.stored),
        state=state_words(one.stored),
        accepted_at=life.accepted_at,
        verified_at=life.verified_at,
        settled_at=life.settled_at,
        proofs=(*_probes(one), *(f"{noted.kind} {noted.entry}" for noted in one.entries)),
        by=one.confirmed,
    )


def _probes(one: ProvenOperation) -> Iterable[str]:
    """Each read that showed it, and one that showed the opposite."""
    for seen in one.observations:
        if seen.kind is VerificationKind.CONFIRMED:
            yield f"read at {instant_words(seen.observed_at)}: {', '.join(seen.probes) or seen.detail}"
        elif seen.kind is VerificationKind.CONTRADICTED:
            yield f"contradicted at {instant_words(seen.observed_at)}: {seen.detail}"


def _remarks(file: CaseFile) -> Iterable[str]:
    yield from _without_account(file)
    for one in file.operations:
        if one.confirmed and one.stored.life.accepted_at is not None:
            at = instant_words(one.stored.life.accepted_at)
            yield f"By hand in {one.stored.operation.application}, {at}: {one.confirmed}"
        elif one.stored.life.state in (OperationState.MANUAL, OperationState.FAILED, OperationState.CONTRADICTED):
            yield f"Open in {one.stored.operation.application}: {one.stored.life.detail}"
    if file.case.kind in CLOSING_KINDS:
        yield from _surviving(file)


def _without_account(file: CaseFile) -> Iterable[str]:
    names = [name for name, coverage in file.case.coverage if coverage is Coverage.NO_ACCOUNT]
    if names:
        yield f"No account of this person was found in a complete reading of {', '.join(names)}."


def _surviving(file: CaseFile) -> Iterable[str]:
    """What a removal is known to leave, only where something was removed."""
    touched: set[ApplicationName] = {one.stored.operation.application for one in file.operations}
    for name in sorted(touched):
        for sentence in file.survives.get(name, ()):
            yield f"Not proven in {name}: {sentence}"
