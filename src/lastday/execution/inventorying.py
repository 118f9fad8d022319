"""Reading one application into the inventory, when somebody asks for it."""

from dataclasses import dataclass

from lastday.execution.confirming import take_back_denied
from lastday.execution.engine import Engine
from lastday.execution.proposal import take_in_all
from lastday.inventory.aggregation import read_applications
from lastday.model.account import Correlation
from lastday.model.finding import Finding
from lastday.model.ids import ApplicationName
from lastday.store import findings


@dataclass(frozen=True, slots=True, kw_only=True)
class Inventoried:
    """What a whole reading of one application showed."""

    accounts: int
    on: int
    matched: int
    ambiguous: int
    uncorrelated: int
    protected: int
    findings: tuple[Finding, ...]


async def read_application(engine: Engine, name: ApplicationName) -> Inventoried:
    """The application was read whole and is what the inventory shows. Raises ConnectorError where it could not be."""
    readings = await read_applications((name,), engine.applications.open, engine.clock)
    async with engine.database.transaction() as tx:
        await tx.lock("lastday plans")
        taken = await take_in_all(engine, tx, readings)
        opened = await findings.open_findings(tx)
    for fault in readings.faults.values():
        raise fault
    await take_back_denied(engine)
    there = [account for account in taken[name].accounts if account.exists]
    owned = [account.correlation for account in there]
    return Inventoried(
        accounts=len(there),
        on=sum(1 for account in there if account.observed.enabled),
        matched=owned.count(Correlation.MATCHED),
        ambiguous=owned.count(Correlation.AMBIGUOUS),
        uncorrelated=owned.count(Correlation.UNCORRELATED),
        protected=sum(1 for account in there if account.protected),
        findings=tuple(s.finding for s in opened if s.finding.subject.startswith(f"{name}/")),
    )
