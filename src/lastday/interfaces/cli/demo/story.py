"""What happens once the company runs: the first load, somebody leaves, the applications are asked, proof."""

import subprocess
import sys
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from lastday.evidence.verify import pack, unpack
from lastday.execution.applying import apply_plan
from lastday.execution.intake import read_source
from lastday.execution.proposal import Proposed
from lastday.execution.rounds import Goal, make_plan, work_until
from lastday.interfaces.cli.demo import company
from lastday.interfaces.cli.demo.applications import Asked, RunningApplication
from lastday.interfaces.cli.demo.company import Person
from lastday.interfaces.cli.demo.place import BUNDLES
from lastday.interfaces.cli.demo.telling import Progress, heading, near, show_asked, tell, tell_plan
from lastday.interfaces.cli.people import person_called
from lastday.interfaces.cli.services import Services, Session
from lastday.model.case import CaseKind
from lastday.model.ids import CaseId, SourceName, UserName
from lastday.model.operation import OperationState
from lastday.reports.bundling import WrittenBundle, bundle_case
from lastday.store import cases
from lastday.store.findings import open_findings
from lastday.store.operations import StoredOperation

HR = SourceName("hr")
BY = UserName("the demo")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How the story went."""

    gone: bool
    """No application lets the leaver do anything any more, by their own word."""
    holds: bool
    """The bundle verifies with the file that came with it, and a changed one does not."""
    bundle: WrittenBundle


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """The demo's company, and the installation that looks after it."""

    services: Services
    config: Path
    folder: Path
    people: tuple[Person, ...]
    applications: tuple[RunningApplication, ...]

    @property
    def leaver(self) -> Person:
        return next(person for person in self.people if person.number == company.LEAVER)

    async def tell(self) -> Ended:
        """Everything, from the first file to the checked bundle."""
        async with self.services.open(self.config) as session:
            await self._first_day(session)
        before = self._ask()
        async with self.services.open(self.config) as session:
            await self._somebody_leaves(session)
            after = self._asked_again(before)
            bundle = await self._bundle(session)
        holds = self._verified(bundle)
        return Ended(gone=not any(asked.inside for asked in after), holds=holds, bundle=bundle)

    async def _first_day(self, session: Session) -> None:
        heading("2. The first load")
        company.deliver(self.folder, self.people)
        read = await read_source(session.engine, HR, accepted_by=BY)
        tell(f"HR's file has {read.rows} people; the first load is accepted by a person (here: by the demo)")
        proposed = await make_plan(session.engine, BY)
        tell(f"every application is read; {len(proposed.plan.operations)} changes bring all to what policy says:")
        done = await _carried_out(session, proposed, _silently)
        for name in sorted({stored.operation.application for stored in done}):
            tell(f"{name:<10} {_counted([stored for stored in done if stored.operation.application == name])}")
        async with session.engine.database.transaction() as tx:
            found = [stored.finding for stored in await open_findings(tx)]
        for finding in found:
            tell(f"noticed in {finding.subject.partition('/')[0]}: {finding.detail} [{finding.code}]")

    async def _somebody_leaves(self, session: Session) -> None:
        who = self.leaver
        heading(f"3. {who.name} leaves now")
        now = session.engine.clock.now()
        company.deliver(self.folder, company.with_leaver(self.people, now - timedelta(seconds=1)))
        read = await read_source(session.engine, HR)
        tell(f"HR's new file: {read.changed} person changed, {read.unchanged} as they were")
        for change in read.batch.changes:
            tell(f"batch {read.batch.id}: {change.kind.value}, {change.detail}")
        proposed = await make_plan(session.engine, BY)
        tell_plan(who.name, proposed)
        heading("4. The plan is carried out: accepted, read back, read again")
        progress = Progress(now)
        with progress.shown():
            done = await _carried_out(session, proposed, progress.report)
        tell(f"{_counted(done)}; {_fastest(done, now)}")

    def _ask(self) -> tuple[Asked, ...]:
        return tuple(application.ask(self.leaver) for application in self.applications)

    def _asked_again(self, before: Sequence[Asked]) -> tuple[Asked, ...]:
        heading("5. The applications themselves are asked, not through Lastday: before -> after")
        after = self._ask()
        show_asked(before, after)
        gone = [asked.application for asked in after if not asked.inside]
        tell(f"gone from {len(gone)} of {len(after)} applications: {', '.join(gone)}")
        return after

    async def _bundle(self, session: Session) -> WrittenBundle:
        heading("6. Proof")
        engine, sequencer = session.engine, session.sequencer
        bundle = await bundle_case(engine, sequencer, await self._case(session), self.folder / BUNDLES)
        tell(bundle.verdict)
        tell(f"bundle  {near(bundle.path)}\nkey     {bundle.fingerprint}")
        return bundle

    async def _case(self, session: Session) -> CaseId:
        async with session.engine.database.transaction() as tx:
            person = await person_called(tx, self.leaver.number)
            known = await cases.all_cases(tx)
        mine = [case for case in known if case.identity == person.id and case.kind is CaseKind.LEAVER]
        return mine[-1].id

    def _verified(self, bundle: WrittenBundle) -> bool:
        """As an auditor does: with the file from the bundle, in a Python that knows nothing of us."""
        with zipfile.ZipFile(bundle.path) as archive:
            verifier = Path(archive.extract("verify.py", self.folder / BUNDLES))
            archive.extract("report.html", self.folder / BUNDLES)
        tell(f"$ python -I {near(verifier)} {near(bundle.path)} --key {bundle.fingerprint[:12]}…")
        code, said = _run_verifier(verifier, bundle.path, bundle.fingerprint)
        tell(f"{said}\nexit {code}")
        broken = _with_one_byte_changed(bundle.path)
        code_of_broken, said_of_broken = _run_verifier(verifier, broken, bundle.fingerprint)
        broken.unlink()
        tell("and with one letter of one entry changed:")
        tell("\n".join(said_of_broken.splitlines()[:3]) + f"\nexit {code_of_broken}")
        return code == 0 and code_of_broken == 7


async def _carried_out(
    session: Session, proposed: Proposed, progress: Callable[[Sequence[StoredOperation]], None]
) -> tuple[StoredOperation, ...]:
    mine = await apply_plan(session.engine, proposed.plan.id, BY)
    goal = Goal(operations=mine, verified_is_enough=False)
    return await work_until(session.engine, session.sequencer, goal, progress)


def _silently(_stored: Sequence[StoredOperation]) -> None:
    """Only its end is told."""


def _run_verifier(verifier: Path, bundle: Path, key: str) -> tuple[int, str]:
    command = [sys.executable, "-I", str(verifier), str(bundle), "--key", key]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own file
    return done.returncode, done.stdout.strip()


def _with_one_byte_changed(bundle: Path) -> Path:
    """A copy in which one entry's kind is misspelt: the smallest thing that a forger could do."""
    files, _ = unpack(bundle.read_bytes())
    entries = files["entries.jsonl"].replace(b'"kind":"outcome"', b'"kind":"outcomf"', 1)
    changed = bundle.with_name(f"changed-{bundle.name}")
    changed.write_bytes(pack({**files, "entries.jsonl": entries}))
    return changed


def _counted(done: Sequence[StoredOperation]) -> str:
    counts: dict[str, int] = {}
    for stored in done:
        counts[stored.life.state.value] = counts.get(stored.life.state.value, 0) + 1
    words = {OperationState.WAITING.value: "waiting for its day (deleted when the keep time is over)"}
    return ", ".join(f"{count} {words.get(state, state)}" for state, count in sorted(counts.items()))


def _fastest(done: Sequence[StoredOperation], since: datetime) -> str:
    verified = [stored.life.verified_at for stored in done if stored.life.verified_at is not None]
    if not verified:
        return "nothing had to be read back"
    return f"all of it verified {(max(verified) - since).total_seconds():.1f} s after the file came"
