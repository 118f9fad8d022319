"""The page of a case says what is proven, names what is not, and never why somebody left (design 4, step 18)."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from lastday.evidence.certificate import certificate
from lastday.model.attributes import Attributes
from lastday.model.batch import Batch, Cause, CauseKind
from lastday.model.case import Case, CaseKind, CaseState, Coverage
from lastday.model.change import Change, ChangeKind, Surprise
from lastday.model.identity import Engagement, EngagementStatus, Identity, IdentityKind
from lastday.model.ids import (
    ApplicationName,
    BatchId,
    CaseId,
    Digest,
    EngagementId,
    EntryId,
    IdentityId,
    NativeId,
    OperationId,
    PlanId,
    SourceName,
)
from lastday.model.operation import (
    Because,
    Life,
    Milestone,
    Operation,
    OperationState,
    Verb,
    Verification,
    VerificationKind,
)
from lastday.reports.case_file import CaseFile, ProvenOperation
from lastday.reports.feed_row import FeedRow
from lastday.reports.leaver_certificate import leaver_certificate
from lastday.store.operations import StoredOperation
from lastday.store.proofs import NotedEntry

NOW = datetime(2026, 11, 24, 6, tzinfo=UTC)
SECOND = timedelta(seconds=1)
WHO = IdentityId("i-1")
CHAT, LEDGER, DESIGN = ApplicationName("chat"), ApplicationName("ledger"), ApplicationName("design")
REASON = "stole the coffee"


def a_person():
    attributes = {
        "displayName": "Priya Raman",
        "employeeNumber": "E1",
        "title": "Accountant",
        "endReason": REASON,
    }
    engagement = Engagement(
        id=EngagementId("g-1"),
        identity=WHO,
        source=SourceName("hr"),
        key="E1",
        attributes=Attributes.of(attributes),
        status=EngagementStatus.ENDED,
        starts_at=NOW - timedelta(days=300),
        ends_at=NOW,
    )
    return Identity(id=WHO, kind=IdentityKind.EMPLOYEE, person_key=None, engagements=(engagement,))


def an_operation(
    verb, application=CHAT, *, state=OperationState.SETTLED, entitlement=None, confirmed="", wake_at=None, detail=""
):
    o = Operation(
        id=OperationId(f"o-{application}-{verb.value}-{entitlement}"),
        identity=WHO,
        application=application,
        account=None,
        native_id=NativeId("n-1"),
        verb=verb,
        entitlement=entitlement,
        because=Because.LEFT,
        detail="Left",
    )
    proven = state in (OperationState.SETTLED, OperationState.VERIFIED)
    life = Life(
        state=state,
        wake_at=wake_at,
        accepted_at=NOW + SECOND if proven or confirmed else None,
        verified_at=NOW + 2 * SECOND if proven else None,
        settled_at=NOW + 9 * SECOND if state is OperationState.SETTLED else None,
        detail=detail,
    )
    stored = StoredOperation(
        operation=o, life=life, plan=PlanId("p-1"), batch=BatchId("b-1"), case=None, holder=None, created_at=NOW
    )
    seen = Verification(
        kind=VerificationKind.CONFIRMED,
        detail="The account is off.",
        observed_at=NOW + 2 * SECOND,
        probes=("read by id", "search by userName"),
    )
    return ProvenOperation(
        stored=stored,
        account="priya",
        observations=(seen,) if proven else (),
        entries=(NotedEntry("intent", EntryId("e-1")), NotedEntry("settlement", EntryId("e-2"))),
        confirmed=confirmed,
    )


def a_file(
    *operations,
    kind=CaseKind.LEAVER,
    state=CaseState.COMPLETE,
    coverage=((CHAT, Coverage.GONE),),
    milestones=(Milestone.ACCESS_GONE, Milestone.ENTITLEMENTS_GONE),
    limit_s=900,
    urgent=False,
):
    change = Change(
        identity=WHO,
        kind=ChangeKind.LEFT,
        at=NOW,
        engagement=EngagementId("g-1"),
        surprise=Surprise.SURPRISE,
        detail="ended",
    )
    case = Case(
        id=CaseId("LV-1"),
        kind=kind,
        identity=WHO,
        batch=BatchId("b-1"),
        effective_at=NOW,
        opened_at=NOW,
        state=state,
        profile="for-cause",
        limit_s=limit_s,
        milestones=tuple((milestone, NOW + 9 * SECOND) for milestone in milestones),
        coverage=coverage,
    )
    cause = Cause(kind=CauseKind.FEED, reference="feed-7", by="source hr")
    return CaseFile(
        company="Halden",
        case=case,
        person=a_person(),
        batch=Batch(id=BatchId("b-1"), cause=cause, opened_at=NOW, changes=(change,), hash=Digest("ab" * 32)),
        change=change,
        row=FeedRow(source="hr", key="E1", feed="feed-7", digest="cd" * 32, line=12, values={"number": "E1"}),
        plans=((PlanId("p-1"), Digest("ef" * 32)),),
        urgent=urgent,
        operations=operations,
        survives={CHAT: ("Tokens issued before.",), LEDGER: ("Shared logins.",)},
        policy_text="",
        exchanges=(),
    )


def fact(report, label):
    return next(value for name, value in report.facts if name == label)


def test_all_gone_is_said_with_the_moment_it_was_seen_and_the_limit():
    """The time promise counts to *verified*; *settled* is said beside it (design section 1)."""
    report = leaver_certificate(a_file(an_operation(Verb.DISABLE), an_operation(Verb.REVOKE, entitlement="group/x")))
    assert report.verdict == (
        "All access was gone at 2026-11-24 06:00:02 UTC, and still at 2026-11-24 06:00:09 UTC when it was read a "
        "second time; 2.0 s after it was due, inside the limit of 15 min."
    )


def test_what_came_too_late_is_said():
    """A broken limit is no detail."""
    report = leaver_certificate(a_file(an_operation(Verb.DISABLE), limit_s=1))
    assert "LATER than the limit of 1.0 s" in report.verdict


@pytest.mark.parametrize(
    "coverage", [Coverage.UNKNOWN, Coverage.MANUAL, Coverage.CONTRADICTED, Coverage.FAILED], ids=lambda c: c.value
)
def test_an_application_without_an_answer_makes_the_case_incomplete_by_name(coverage):
    """Every application has an answer, or the case lists what is missing (design section 4)."""
    file = a_file(an_operation(Verb.DISABLE), coverage=((CHAT, Coverage.GONE), (DESIGN, coverage)))
    verdict = leaver_certificate(file).verdict
    assert verdict.startswith("Incomplete: design is missing (")
    assert "chat" not in verdict


@pytest.mark.parametrize(
    "state",
    [state for state in OperationState if not state.counts_for_milestones],
    ids=lambda state: state.value,
)
def test_nothing_is_called_gone_before_it_is_settled(state):
    """Accepted proves nothing; verified once is not settled (I-5)."""
    file = a_file(an_operation(Verb.DISABLE, state=state), state=CaseState.OPEN, coverage=((CHAT, Coverage.PENDING),))
    assert leaver_certificate(file).verdict == "Under way: 1 of 1 removals are not proven yet."


def test_a_milestone_that_is_not_reached_is_not_gone():
    file = a_file(an_operation(Verb.DISABLE), milestones=(Milestone.ACCESS_GONE,))
    assert leaver_certificate(file).verdict.startswith("Under way")


def test_a_deletion_at_the_end_of_the_keep_time_does_not_hold_up_the_verdict():
    """data_retired has its own clock."""
    later = an_operation(Verb.DELETE, state=OperationState.WAITING, wake_at=NOW + timedelta(days=30))
    file = a_file(an_operation(Verb.DISABLE), later, state=CaseState.OPEN, coverage=((CHAT, Coverage.PENDING),))
    report = leaver_certificate(file)
    assert report.verdict.startswith("All access was gone at")
    assert report.verdict.endswith("What is kept is deleted by 2026-12-24 06:00:00 UTC.")
    assert report.rows[1].state == "waits until 2026-12-24 06:00:00 UTC"


@pytest.mark.parametrize(
    ("state", "word"), [(CaseState.STOPPED, "Stopped: a brake"), (CaseState.SUPERSEDED, "Superseded")]
)
def test_a_case_that_was_stopped_or_overtaken_says_so_first(state, word):
    assert leaver_certificate(a_file(an_operation(Verb.DISABLE), state=state)).verdict.startswith(word)


def test_a_row_names_probes_and_entries():
    """What proves it: the reads with their kinds, and the entries of the log that hold them."""
    (row,) = leaver_certificate(a_file(an_operation(Verb.REVOKE, entitlement="group/vpn"))).rows
    assert (row.application, row.account, row.action, row.state) == ("chat", "priya", "group/vpn taken away", "gone")
    assert row.proofs == (
        "read at 2026-11-24 06:00:02 UTC: read by id, search by userName",
        "intent e-1",
        "settlement e-2",
    )


def test_what_a_person_did_by_hand_names_who_when_and_the_hash():
    """Disconnected applications (issue point 7)."""
    said = "confirmed by dana: removed, file sha256 " + "9" * 64
    done = an_operation(Verb.DISABLE, DESIGN, state=OperationState.CONFIRMED_BY_HAND, confirmed=said)
    report = leaver_certificate(a_file(done, coverage=((DESIGN, Coverage.CONFIRMED_BY_HAND),)))
    assert report.rows[0].by == said
    assert f"By hand in design, 2026-11-24 06:00:01 UTC: {said}" in report.remarks
    assert report.verdict.startswith("All access was gone at 2026-11-24 06:00:01 UTC;")


def test_an_application_without_an_account_is_positive_evidence():
    """ "No account found" is an answer, and it is written down (design section 4)."""
    report = leaver_certificate(
        a_file(an_operation(Verb.DISABLE), coverage=((CHAT, Coverage.GONE), (DESIGN, Coverage.NO_ACCOUNT)))
    )
    assert "No account of this person was found in a complete reading of design." in report.remarks
    assert fact(report, "In design") == "no account found"


def test_what_a_removal_leaves_is_said_only_where_something_was_removed():
    """The manifest's `survives`: what cannot be proven is never left out."""
    report = leaver_certificate(a_file(an_operation(Verb.DISABLE)))
    assert "Not proven in chat: Tokens issued before." in report.remarks
    assert not any("ledger" in remark for remark in report.remarks)


@pytest.mark.parametrize(("urgent", "word"), [(True, "urgent"), (False, "standard")])
def test_nobody_reads_why_somebody_left(urgent, word):
    """End reasons are for HR and legal: the profile's own name could tell too (design section 10)."""
    report = leaver_certificate(a_file(an_operation(Verb.DISABLE), urgent=urgent))
    page = certificate(report, case="LV-1", made_at=NOW, fingerprint="f" * 64)
    assert REASON not in page
    assert "for-cause" not in page
    assert fact(report, "Profile") == word


def test_the_page_names_person_cause_row_batch_and_plan():
    report = leaver_certificate(a_file(an_operation(Verb.DISABLE)))
    assert report.title == "Certificate of leaving: Halden"
    assert report.subject == "Priya Raman, E1, Accountant"
    assert fact(report, "Cause") == "feed (source hr), feed-7"
    assert fact(report, "Row") == f"E1 of source hr, line 12 of feed-7, file SHA-256 {'cd' * 32}"
    assert fact(report, "Batch") == f"b-1, SHA-256 {'ab' * 32}"
    assert fact(report, "Plan") == f"p-1, SHA-256 {'ef' * 32}"


@pytest.mark.parametrize("kind", [CaseKind.JOINER, CaseKind.MOVER, CaseKind.RENAME, CaseKind.RETURN])
def test_people_who_stay_get_words_that_fit(kind):
    """No certificate of a joiner speaks of access that is gone."""
    given = an_operation(Verb.GIVE, entitlement="group/vpn")
    report = leaver_certificate(a_file(given, kind=kind, coverage=((CHAT, Coverage.RIGHT),)))
    assert report.verdict.startswith("Access is as it should be in all 1 applications at 2026-11-24 06:00:02 UTC")
    assert report.rows[0].state == "in place"
    assert report.rows[0].action == "given group/vpn"
    assert not any("Not proven" in remark for remark in report.remarks)
    assert not any("gone" in label for label, _ in report.facts)


def test_a_joiner_whose_account_is_not_proven_yet_is_under_way():
    file = a_file(
        an_operation(Verb.CREATE, state=OperationState.ACCEPTED), kind=CaseKind.JOINER, state=CaseState.OPEN,
        coverage=((CHAT, Coverage.PENDING),),
    )  # fmt: skip
    assert leaver_certificate(file).verdict == "Under way: 1 of 1 changes are not proven yet."


def test_somebody_with_no_account_anywhere_is_gone_with_that_reason():
    file = a_file(coverage=((CHAT, Coverage.NO_ACCOUNT),))
    assert leaver_certificate(file).verdict == (
        "All access was gone: every application was asked and had nothing to take."
    )


def test_the_row_that_is_not_kept_any_more_is_said_as_it_was_taken_in():
    file = a_file(an_operation(Verb.DISABLE))
    assert file.row is not None
    older = replace(file, row=replace(file.row, feed=None, digest=None, line=None))
    assert fact(leaver_certificate(older), "Row") == "E1 of source hr, as it was taken in"
