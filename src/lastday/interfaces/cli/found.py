"""`orphans` and `findings`: what a person should see."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

import typer

from lastday.interfaces.cli.context import DEFAULT_CONFIG, ConfigOption, JsonOption, with_session
from lastday.interfaces.cli.services import Session
from lastday.interfaces.cli.showing import hint, show_json, show_table
from lastday.model.account import Account
from lastday.model.canonical import JsonValue
from lastday.model.errors import ExitCode
from lastday.store import accounts, findings
from lastday.store.findings import StoredFinding

_ORPHANS = "A20"
_DRIFT = "A205"


def add_to(app: typer.Typer) -> None:
    app.command("orphans")(orphans)
    app.command("findings")(list_findings)


def orphans(context: typer.Context, as_json: JsonOption = False, config: ConfigOption = DEFAULT_CONFIG) -> int:
    """Shows accounts that nobody legitimate owns, and those whose owner is in doubt, as of the last reading."""

    async def work(session: Session) -> list[dict[str, JsonValue]]:
        async with session.engine.database.transaction() as tx:
            known = {f"{a.application}/{a.native_id}": a for a in await accounts.load_accounts(tx)}
            opened = await findings.open_findings(tx)
        return [_orphan(stored, known.get(stored.finding.subject)) for stored in opened if _is_orphan(stored)]

    found = with_session(context, config, work)
    if as_json:
        show_json({"schema": "lastday/orphans/1", "orphans": list(found)})
    else:
        headings = ("account", "username", "on", "last used", "code", "why")
        columns = ("subject", "username", "enabled", "last_used", "code", "detail")
        show_table(headings, [tuple(_written(one[name]) for name in columns) for one in found])
    hint(f"{len(found)} accounts; name an owner in the application, or close them there")
    hint("next: lastday app read NAME")
    return ExitCode.DONE


def _is_orphan(stored: StoredFinding) -> bool:
    return stored.finding.code.startswith(_ORPHANS) and stored.finding.code != _DRIFT


def _orphan(stored: StoredFinding, account: Account | None) -> dict[str, JsonValue]:
    observed = account.observed if account is not None else None
    used = observed.last_used if observed is not None else None
    return {
        "code": stored.finding.code,
        "subject": stored.finding.subject,
        "application": account.application if account is not None else None,
        "native_id": account.native_id if account is not None else None,
        "username": observed.username if observed is not None else None,
        "enabled": observed.enabled if observed is not None else None,
        "last_used": used.isoformat() if used is not None else None,
        "holdings": [holding.entitlement for holding in observed.holdings] if observed is not None else [],
        "detail": stored.finding.detail,
        "mend": stored.finding.mend,
        "opened_at": stored.opened_at.isoformat(),
    }


def list_findings(
    context: typer.Context,
    code: Annotated[str | None, typer.Option("--code", help="Only those whose code begins so: A, B1, X131.")] = None,
    overdue: Annotated[bool, typer.Option("--overdue", help="Only those past their deadline.")] = False,
    as_json: JsonOption = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> int:
    """Shows what is open for a person to see to, the most severe first."""

    async def work(session: Session) -> tuple[list[StoredFinding], datetime]:
        async with session.engine.database.transaction() as tx:
            opened = await findings.open_findings(tx)
        now = session.engine.clock.now()
        wanted = [stored for stored in opened if stored.finding.code.startswith(code or "")]
        return [stored for stored in wanted if not overdue or is_overdue(stored, now)], now

    found, now = with_session(context, config, work)
    ordered = sorted(found, key=lambda stored: (_RANK[stored.finding.severity.value], stored.opened_at))
    if as_json:
        show_json({"schema": "lastday/findings/1", "findings": [_finding(stored, now) for stored in ordered]})
    else:
        show_table(("severity", "code", "about", "due", "what"), _rows(ordered, now))
        for mend in dict.fromkeys(stored.finding.mend for stored in ordered if stored.finding.mend):
            hint(f"mend: {mend}")
    hint("next: lastday case list" if ordered else "nothing is open")
    return ExitCode.DONE


_RANK = {"critical": 0, "error": 1, "warning": 2, "info": 3}


def is_overdue(stored: StoredFinding, now: datetime) -> bool:
    """Its deadline has passed and it is open."""
    return stored.finding.deadline is not None and stored.finding.deadline < now


def _finding(stored: StoredFinding, now: datetime) -> dict[str, JsonValue]:
    return {
        "id": stored.id,
        **stored.finding.as_json(),
        "opened_at": stored.opened_at.isoformat(),
        "seen_at": stored.seen_at.isoformat(),
        "overdue": is_overdue(stored, now),
    }


def _rows(ordered: Sequence[StoredFinding], now: datetime) -> list[tuple[str, ...]]:
    return [
        (
            stored.finding.severity.value,
            stored.finding.code,
            stored.finding.subject,
            "OVERDUE" if is_overdue(stored, now) else _written(stored.finding.deadline),
            stored.finding.detail,
        )
        for stored in ordered
    ]


def _written(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else str(value)
