"""`token`: what people show who decide, and what clients show that push."""

import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from lastday.configuration.settings import Configuration
from lastday.configuration.values import duration_of
from lastday.execution.push_clients import make_token, revoke_token, rotate_token
from lastday.interfaces.cli.context import DEFAULT_CONFIG, ConfigOption, JsonOption, services_of, with_session
from lastday.interfaces.cli.services import Session
from lastday.interfaces.cli.showing import hint, show, show_json, show_table
from lastday.interfaces.cli.starting import plain_name
from lastday.interfaces.scim.protocol.profiles import load_profile
from lastday.model.canonical import JsonValue
from lastday.model.errors import ExitCode, InputError
from lastday.model.ids import SourceName, TokenId
from lastday.model.scim import TokenScope
from lastday.store.scim_tokens import NewToken, ScimToken, TokenOrder, list_tokens

token = typer.Typer(help="Tokens of people who decide, and of clients that push.", no_args_is_help=True)

SCIM = "scim"
"""In place of a person: the token is for a client of a pushed source."""
NEVER = "never"
_TOKEN_BYTES = 32
_CLIENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_SHOWN_ONCE = "shown once and kept nowhere: put it where the client keeps its secrets"

ExpiresOption = Annotated[str, typer.Option("--expires", help="After how long: 365d, 12w; or never.")]


def add_to(app: typer.Typer) -> None:
    app.add_typer(token, name="token")


@token.command("new")
def new_token(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="A [user.NAME] who decides; or scim: a client.")],
    source: Annotated[str | None, typer.Option("--source", help="scim: the source that the client pushes to.")] = None,
    profile: Annotated[str, typer.Option("--profile", help="scim: how the client speaks.")] = "strict",
    client: Annotated[str | None, typer.Option("--name", help="scim: what certificates call the client.")] = None,
    expires: ExpiresOption = "365d",
    scope: Annotated[str, typer.Option("--scope", help="scim: read, write, or both.")] = "read,write",
    rate: Annotated[float, typer.Option("--rate", help="scim: requests per second.")] = 25.0,
    as_json: JsonOption = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> int:
    """Makes a random token and shows it once."""
    if name.lower() == SCIM:
        asked = _Asked(source=source, profile=profile, client=client, expires=expires, scope=scope, rate=rate)
        return _new_client(context, config, asked, as_json=as_json)
    if source is not None or client is not None:
        raise InputError(
            f"{name} is a person, and --source and --name are for clients",
            code="I136",
            effect="No token was made.",
            mend="Write `lastday token new scim --source NAME --name CLIENT` for a client.",
        )
    return _new_person(plain_name(name), config, as_json=as_json)


def _new_person(short: str, config: Path, *, as_json: bool) -> int:
    """What the configuration needs is only where the token is kept."""
    variable = f"{short.replace('-', '_').upper()}_TOKEN"
    made = secrets.token_urlsafe(_TOKEN_BYTES)
    if as_json:
        show_json({"schema": "lastday/token/1", "user": short, "variable": variable, "token": made})
    else:
        show(made)
    hint(f"shown once. Where `lastday approve` runs: export {variable}=...; who decides: export LASTDAY_TOKEN=...")
    hint(f"in {config}:")
    hint(f'  [user.{short}]\n  name  = "..."\n  roles = ["approver"]\n  token = {{ env = "{variable}" }}')
    hint("next: lastday check")
    return ExitCode.DONE


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """A client's token as it was typed."""

    source: str | None
    profile: str
    client: str | None
    expires: str
    scope: str
    rate: float


def _new_client(context: typer.Context, config: Path, asked: _Asked, *, as_json: bool) -> int:
    source = _pushed_source(services_of(context).configuration(config), asked.source)
    load_profile(asked.profile)
    lifetime, scopes = _lifetime(asked.expires), _scopes(asked.scope)
    name = _client_name(asked.client)
    rate = _rate(asked.rate)

    async def work(session: Session) -> NewToken:
        order = TokenOrder(
            source=source,
            name=name,
            profile=asked.profile,
            scopes=scopes,
            requests_per_s=rate,
            expires_at=_after(session.engine.clock.now(), lifetime),
        )
        made = await make_token(session.engine, order)
        await session.sequencer.run_once()
        return made

    made = with_session(context, config, work)
    _show_new(made, as_json=as_json)
    hint(f"the client {name} pushes to source {source} with it, as profile {asked.profile}; {_SHOWN_ONCE}")
    return ExitCode.DONE


def _show_new(made: NewToken, *, as_json: bool) -> None:
    """The secret stands alone on the last line of stdout."""
    if as_json:
        show_json({"schema": "lastday/scim-token/1", **_as_json(made.token), "token": made.secret})
    else:
        show(made.secret)


@token.command("list")
def list_all(
    context: typer.Context,
    source: Annotated[str | None, typer.Option("--source", help="Only the clients of this source.")] = None,
    as_json: JsonOption = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> int:
    """The tokens of clients, also those that are good no more. The tokens of people are in the configuration."""

    async def work(session: Session) -> tuple[tuple[ScimToken, ...], datetime]:
        async with session.engine.database.transaction() as tx:
            found = await list_tokens(tx, None if source is None else SourceName(source))
        return found, session.engine.clock.now()

    found, now = with_session(context, config, work)
    if as_json:
        listed: list[JsonValue] = [{**_as_json(one), "state": _state(one, now)} for one in found]
        show_json({"schema": "lastday/scim-tokens/1", "tokens": listed})
    else:
        columns = ("id", "source", "client", "profile", "scopes", "rate", "expires", "last used", "state")
        show_table(columns, [_cells(one, now) for one in found])
    hint("next: lastday token new scim --source NAME --name CLIENT")
    return ExitCode.DONE


@token.command("revoke")
def revoke(
    context: typer.Context,
    token_id: Annotated[str, typer.Argument(metavar="ID", help="As `lastday token list` shows it.")],
    as_json: JsonOption = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> int:
    """Whoever has the token is refused from now on."""

    async def work(session: Session) -> ScimToken:
        old = await revoke_token(session.engine, TokenId(token_id))
        await session.sequencer.run_once()
        return old

    old = with_session(context, config, work)
    if as_json:
        show_json({"schema": "lastday/scim-token-revoked/1", "id": old.id, "client": old.client.name})
    else:
        show(f"{old.id} of {old.client.name} is revoked")
    return ExitCode.DONE


@token.command("rotate")
def rotate(
    context: typer.Context,
    token_id: Annotated[str, typer.Argument(metavar="ID", help="As `lastday token list` shows it.")],
    overlap: Annotated[str, typer.Option("--overlap", help="How long the old one is good yet: 7d, 12h.")] = "7d",
    expires: ExpiresOption = "365d",
    as_json: JsonOption = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> int:
    """Makes another token for the same client, shown once; the old one is good for the overlap yet."""
    lasting, lifetime = _duration(overlap, "--overlap"), _lifetime(expires)

    async def work(session: Session) -> NewToken:
        until = _after(session.engine.clock.now(), lifetime)
        made = await rotate_token(session.engine, TokenId(token_id), overlap=lasting, expires_at=until)
        await session.sequencer.run_once()
        return made

    made = with_session(context, config, work)
    _show_new(made, as_json=as_json)
    hint(f"the old token of {made.token.client.name} is good for {overlap} yet; {_SHOWN_ONCE}")
    return ExitCode.DONE


def _pushed_source(configuration: Configuration, name: str | None) -> SourceName:
    pushed = sorted(source.name for source in configuration.sources.values() if source.is_pushed)
    known = f"Sources that are pushed: {', '.join(pushed) or 'none'}."
    if name is None:
        raise InputError("--source is missing", code="I137", effect="No token was made.", mend=known)
    settings = configuration.sources.get(SourceName(name))
    if settings is None:
        raise InputError(f"there is no source {name}", code="I137", effect="No token was made.", mend=known)
    if not settings.is_pushed:
        raise InputError(
            f"source {name} is a file: nobody pushes to it", code="I137", effect="No token was made.", mend=known
        )
    return settings.name


def _client_name(text: str | None) -> str:
    if text is None or not _CLIENT.fullmatch(text):
        shown = "--name is missing" if text is None else f"{text!r} is no name of a client"
        mend = "Letters, digits, dot, hyphen and underscore, such as entra-production: certificates show it."
        raise InputError(shown, code="I138", effect="No token was made.", mend=mend)
    return text


def _scopes(text: str) -> frozenset[TokenScope]:
    named = [word.strip() for word in text.split(",") if word.strip()]
    if not named or any(word not in list(TokenScope) for word in named):
        known = ", ".join(TokenScope)
        raise InputError(
            f"--scope {text!r} says nothing that a client may do", code="I139", effect="No token was made.",
            mend=f"One or more of: {known}.",
        )  # fmt: skip
    return frozenset(TokenScope(word) for word in named)


def _rate(number: float) -> float:
    if not 0 < number <= 100_000:
        raise InputError(
            f"--rate {number} is no rate", code="I139", effect="No token was made.", mend="Requests per second: 25."
        )
    return number


def _lifetime(text: str) -> timedelta | None:
    return None if text == NEVER else _duration(text, "--expires")


def _duration(text: str, option: str) -> timedelta:
    found = duration_of(text)
    if found is None:
        raise InputError(
            f"{option} {text!r} is no length of time", code="I139", effect="No token was made.",
            mend="Write it like 365d, 12w or 8h.",
        )  # fmt: skip
    return found


def _after(now: datetime, lifetime: timedelta | None) -> datetime | None:
    return None if lifetime is None else now + lifetime


def _state(one: ScimToken, now: datetime) -> str:
    if one.revoked_at is not None:
        return "revoked"
    if not one.is_good_at(now):
        return "expired"
    return "good" if one.replaced_by is None else "replaced, good until it expires"


def _cells(one: ScimToken, now: datetime) -> tuple[str, ...]:
    client = one.client
    return (
        one.id,
        client.source,
        client.name,
        client.profile,
        ",".join(sorted(scope.value for scope in client.scopes)),
        f"{client.requests_per_s:g}/s",
        _moment(one.expires_at),
        _moment(one.last_used_at),
        _state(one, now),
    )


def _moment(at: datetime | None) -> str:
    return "never" if at is None else at.isoformat(timespec="minutes")


def _as_json(one: ScimToken) -> dict[str, JsonValue]:
    def text(at: datetime | None) -> str | None:
        return None if at is None else at.isoformat()

    client = one.client
    return {
        "id": one.id,
        "source": client.source,
        "client": client.name,
        "profile": client.profile,
        "scopes": sorted(scope.value for scope in client.scopes),
        "requests_per_s": client.requests_per_s,
        "created_at": text(one.created_at),
        "expires_at": text(one.expires_at),
        "revoked_at": text(one.revoked_at),
        "replaced_by": one.replaced_by,
        "last_used_at": text(one.last_used_at),
    }
