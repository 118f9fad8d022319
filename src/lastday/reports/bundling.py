"""One case as a bundle: what is known of it, gathered, and everything bound by the log."""

from dataclasses import dataclass
from pathlib import Path

from lastday.evidence.bundle import BundleMaterial, write_bundle
from lastday.evidence.sequencer import Sequencer
from lastday.execution.engine import Engine
from lastday.model.ids import CaseId
from lastday.reports.case_file import load_case_file
from lastday.reports.leaver_certificate import leaver_certificate


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenBundle:
    """A bundle on disk."""

    path: Path
    fingerprint: str
    """Of the key that signed it: give it to the auditor by another way than the bundle."""
    verdict: str


async def bundle_case(engine: Engine, sequencer: Sequencer, case: CaseId, target: Path) -> WrittenBundle:
    """The bundle of the case is written: at `target`, or as `<case>.zip` in it where it is a folder.

    Raises InputError for a case that is not there, EvidenceError where the log cannot prove it.
    """
    async with engine.database.transaction() as tx:
        file = await load_case_file(engine, tx, case)
    report = leaver_certificate(file)
    material = BundleMaterial(
        feed_row=file.row.as_json() if file.row is not None else {},
        policy_text=file.policy_text,
        exchanges=file.exchanges,
        report=report,
    )
    path = await write_bundle(
        engine.database, sequencer, case, target, material=material, at=engine.clock.now(), stamp=engine.stamp
    )
    return WrittenBundle(path=path, fingerprint=sequencer.keys.current().fingerprint, verdict=report.verdict)
