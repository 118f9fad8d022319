"""A small log with two cases in it, and what a bundle shows beside the log."""

from datetime import UTC, datetime, timedelta

from lastday.evidence.bundle import BundleMaterial, write_bundle
from lastday.evidence.certificate import Report, ReportRow
from lastday.evidence.checkpoints import FileCopies
from lastday.evidence.entries import EntryDraft, EntryKind, Stamp, append
from lastday.evidence.keys import KeyRing
from lastday.evidence.sequencer import Sequencer
from lastday.model.ids import BatchId, CaseId, Digest, IdentityId, OperationId, PlanId

ORIGIN = "lastday.local/db-test"
AT = datetime(2026, 11, 24, 6, tzinfo=UTC)
STAMP = Stamp(tool="lastday 0.1", policy=Digest("ab" * 32), test_clock=True)
CASE, OTHER = CaseId("case-1"), CaseId("case-2")
LEAVER = IdentityId("id-1")
MATERIAL = BundleMaterial(
    feed_row={"employee_number": "E1", "family_name": "Müller", "end_date": "2026-11-23"},
    policy_text='[role.all]\nwhen = "active"\n',
    exchanges=[{"method": "PATCH", "target": "/Users/7", "status": "200", "elapsed_s": 0.05}],
    report=Report(
        title="Access is gone",
        subject="Zoë <script>alert(1)</script> Müller",
        verdict="All access was gone at 06:00:07 UTC.",
        facts=(("Company", "Northwind & Co"), ("Case", CASE)),
        rows=(ReportRow(application="chat", account="zoe", action="disabled", state="gone", settled_at=AT),),
        remarks=("Nothing was left.",),
    ),
)


def sequencer_of(database, directory):
    copies = FileCopies.of(directory / "checkpoints", ORIGIN)
    return Sequencer(database=database, keys=KeyRing(directory / "keys"), origin=ORIGIN, copies=(copies,))


def draft(kind, *, case=CASE, number=0, personal=None, batch="b-1", identity=LEAVER, **body):
    return EntryDraft(
        kind=kind,
        at=AT + timedelta(seconds=number),
        body={"number": number, "plan_hash": "cd" * 32} | body,
        case=case,
        operation=OperationId(f"op-{number}"),
        batch=BatchId(batch),
        plan=PlanId("p-1"),
        identity=identity,
        personal=personal,
    )


async def write_entries(database, sequencer, drafts):
    """Each entry in its own transaction and under its own checkpoint."""
    written = []
    for one in drafts:
        async with database.transaction() as tx:
            written.append(await append(tx, one, STAMP))
        await sequencer.run_once()
    return written


async def write_history(database, sequencer):
    """A leaver's case among entries of somebody else's, as they come in life."""
    foreign = [
        draft(EntryKind.INTENT, case=OTHER, number=100 + i, batch="b-2", identity=IdentityId("id-2")) for i in range(4)
    ]
    await write_entries(
        database,
        sequencer,
        [
            draft(EntryKind.FEED_ACCEPTED, case=None, batch="b-9", identity=None),
            foreign[0],
            draft(EntryKind.BATCH_OPENED, case=None, identity=None),
            draft(EntryKind.PLAN_APPROVED, case=None, identity=None, by="priya"),
            draft(EntryKind.CASE_OPENED, personal={"name": "Zoë Müller", "mail": "zoe@northwind.example"}),
            foreign[1],
            *(
                draft(kind, number=i, text="ö\n\"'")
                for i in range(1, 4)
                for kind in (EntryKind.INTENT, EntryKind.OUTCOME)
            ),
            foreign[2],
            draft(EntryKind.VERIFICATION, number=1),
            draft(EntryKind.SETTLEMENT, number=1, personal={"login": "zmueller"}),
            draft(EntryKind.CASE_CLOSED, number=9),
            foreign[3],
        ],
    )


async def bundle_of(database, sequencer, target, case=CASE):
    return await write_bundle(database, sequencer, case, target, material=MATERIAL, at=AT, stamp=STAMP)
