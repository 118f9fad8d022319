"""`verify` and `evidence`."""

from pathlib import Path
from typing import Annotated

import typer

from lastday.evidence.checkpoints import FileCopies
from lastday.evidence.keys import public_keys
from lastday.evidence.log_check import LogVerdict, verify_log
from lastday.evidence.verify import show as verdict_lines
from lastday.evidence.verify import verify_bundle
from lastday.interfaces.cli.context import DEFAULT_CONFIG, ConfigOption, JsonOption, with_session
from lastday.interfaces.cli.services import Session
from lastday.interfaces.cli.showing import hint, show, show_json
from lastday.model.errors import ExitCode
from lastday.model.ids import CaseId
from lastday.reports.bundling import WrittenBundle, bundle_case

evidence = typer.Typer(help="The log of everything that was done, and what proves a case.", no_args_is_help=True)


def add_to(app: typer.Typer) -> None:
    app.command("verify")(verify)
    app.add_typer(evidence, name="evidence")


def verify(
    bundle: Annotated[Path, typer.Argument(help="A bundle (.zip).")],
    key: Annotated[str | None, typer.Option("--key", help="The fingerprint of the key you trust.")] = None,
    config: ConfigOption = DEFAULT_CONFIG,  # noqa: ARG001 - every command takes it
) -> int:
    """Checks a bundle offline: no database, no network."""
    verdict = verify_bundle(bundle, key)
    for line in verdict_lines(verdict):
        show(line)
    return ExitCode.DONE if verdict.holds else ExitCode.EVIDENCE_BROKEN


@evidence.command("bundle")
def bundle(
    context: typer.Context,
    case: Annotated[str, typer.Argument(metavar="CASE", help="The case's id, as `lastday case list --all` shows it.")],
    out: Annotated[Path, typer.Option("--out", help="A file, or a folder for CASE.zip.")] = Path(),
    as_json: JsonOption = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> int:
    """Writes everything that proves one case into one file, which anybody can check offline."""

    async def work(session: Session) -> WrittenBundle:
        return await bundle_case(session.engine, session.sequencer, CaseId(case), out)

    written = with_session(context, config, work)
    if as_json:
        found = {"path": str(written.path), "fingerprint": written.fingerprint, "verdict": written.verdict}
        show_json({"schema": "lastday/bundle-written/1", "case": case, **found})
        return ExitCode.DONE
    show(str(written.path))
    show(f"signed by {written.fingerprint}")
    hint(written.verdict)
    hint(f"next: lastday verify {written.path} --key {written.fingerprint}")
    return ExitCode.DONE


@evidence.command("fingerprint")
def fingerprint(context: typer.Context, as_json: JsonOption = False, config: ConfigOption = DEFAULT_CONFIG) -> int:
    """Shows the fingerprint of the key that signs the log: what an auditor pins."""

    async def work(session: Session) -> str:
        return session.sequencer.keys.current().fingerprint

    found = with_session(context, config, work)
    if as_json:
        show_json({"schema": "lastday/fingerprint/1", "fingerprint": found})
    else:
        show(found)
    return ExitCode.DONE


@evidence.command("check")
def check(context: typer.Context, as_json: JsonOption = False, config: ConfigOption = DEFAULT_CONFIG) -> int:
    """Checks the whole stored log, and the copies of its checkpoints that stand outside the database."""
    verdict = with_session(context, config, _checked)
    if as_json:
        _show_check_as_json(verdict)
    else:
        state = "holds" if verdict.holds else "DOES NOT HOLD"
        show(f"the log {state}: {verdict.entries} entries, {verdict.checkpoints} checkpoints")
        for problem in verdict.problems:
            show(f"  x {problem}")
    return ExitCode.DONE if verdict.holds else ExitCode.EVIDENCE_BROKEN


async def _checked(session: Session) -> LogVerdict:
    """Asks the log as it stands: numbering what waits comes after, so that a broken log is shown and not signed on."""
    copies = [copy for kept in session.sequencer.copies if isinstance(kept, FileCopies) for copy in kept.all()]
    async with session.engine.database.transaction() as tx:
        keys = await public_keys(tx, session.sequencer.keys)
        return await verify_log(tx, keys, copies)


def _show_check_as_json(verdict: LogVerdict) -> None:
    show_json(
        {
            "schema": "lastday/log-check/1",
            "holds": verdict.holds,
            "entries": verdict.entries,
            "checkpoints": verdict.checkpoints,
            "waiting": verdict.waiting,
            "problems": [{"place": problem.place, "what": problem.what} for problem in verdict.problems],
        }
    )
