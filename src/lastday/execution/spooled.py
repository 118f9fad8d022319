"""Urgent orders that could only be written down while the database was away: they join the evidence, and are told."""

from lastday.evidence.spool import Spool
from lastday.execution.engine import Engine
from lastday.model.errors import EvidenceError
from lastday.model.finding import Finding, Severity
from lastday.store import findings

NOT_CARRIED_OUT = "X151"


async def take_in_spooled(engine: Engine, spool: Spool) -> int:
    """Spooled orders are in the log, each with a finding, as none was carried out; how many were new.

    A file that is not what was written stays where it is, and is a finding: it must not keep anybody from working.
    """
    waiting = spool.waiting()
    if not waiting:
        return 0
    now = engine.clock.now()
    async with engine.database.transaction() as tx:
        for path in waiting:
            await findings.open_finding(tx, _not_carried_out(path.stem), now)
    try:
        return await spool.merge(engine.database)
    except EvidenceError as spoilt:
        async with engine.database.transaction() as tx:
            await findings.open_finding(tx, _spoilt(spoilt), now)
        return 0


def _spoilt(error: EvidenceError) -> Finding:
    return Finding(
        code=error.code,
        severity=Severity.CRITICAL,
        subject=f"spool/{error.where}",
        detail=f"{error.what}. {error.effect}",
        mend=error.mend,
    )


def _not_carried_out(entry: str) -> Finding:
    return Finding(
        code=NOT_CARRIED_OUT,
        severity=Severity.CRITICAL,
        subject=f"entry/{entry}",
        detail="An urgent leave was ordered while the database was away. It was written down and NOT carried out.",
        mend="Ask who gave the order, and give it again: `lastday leave PERSON --urgent`.",
    )
