"""`[server]`: where the program answers over HTTP."""

import re
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from lastday.configuration.connections import IN_CLEAR, is_loopback
from lastday.configuration.problems import nearest
from lastday.configuration.settings import ServerSettings, SourceSettings
from lastday.configuration.table import Table
from lastday.configuration.vocabulary import SECTIONS

DEFAULT_LISTEN = ("127.0.0.1", 8080)
_LISTEN = re.compile(r"(?:\[(?P<six>[0-9A-Fa-f:.]+)\]|(?P<host>[A-Za-z0-9.-]+)):(?P<port>[0-9]{1,5})")
_EVERYWHERE = ("0.0.0.0", "::")  # noqa: S104 - recognised, so that it is not taken for an address of ours


def read_server(root: Table, sources: list[SourceSettings]) -> ServerSettings | None:
    """`[server]`; mistakes are noted, also that it is absent although a source is pushed.

    Tokens and personal data never cross a network in clear: outside this machine there is a certificate, or
    `behind_proxy = true` says that somebody before it encrypts. There is no other way to switch this off.
    """
    table = root.table("server")
    if table is None:
        _note_absence(root, sources)
        return None
    host, port = table.parsed("listen", listen_of, like='"127.0.0.1:8080", "[::1]:8080"') or DEFAULT_LISTEN
    settings = ServerSettings(
        host=host,
        port=port,
        url=_read_url(table),
        certificate=_file(table, "certificate"),
        private_key=_file(table, "private_key"),
        behind_proxy=table.boolean("behind_proxy") or False,
        position=table.place.position,
    )
    table.close()
    _check_encryption(table, settings)
    _check_reachable(table, settings)
    return settings


def listen_of(text: str) -> tuple[str, int] | None:
    """Host and port; None where `text` names none.

    >>> listen_of("[::1]:8080"), listen_of("8080")
    (('::1', 8080), None)
    """
    match = _LISTEN.fullmatch(text)
    if match is None or int(match["port"]) > 65535:
        return None
    return match["six"] or match["host"], int(match["port"])


def _note_absence(root: Table, sources: list[SourceSettings]) -> None:
    pushed = next((source for source in sources if source.is_pushed), None)
    misspelt = any(nearest(section, ["server"]) for section in root.keys if section not in SECTIONS)
    if pushed is not None and not misspelt:
        place = root.document.key_place(("source", pushed.name))
        mend = 'Add [server] with listen = "127.0.0.1:8080".'
        root.problems.add(f"source {pushed.name} is pushed, and nothing listens", place, "P106", mend=mend)


def _file(table: Table, key: str) -> Path | None:
    text = table.text(key)
    return None if text is None else table.document.path.parent / Path(text)


def _read_url(table: Table) -> str | None:
    """How clients reach us: an address without credentials, query or fragment."""
    text = table.text("url")
    parts = None if text is None else _split(text)
    if text is None or parts is None:
        if text is not None:
            table.wrong("url", "url is no address", mend="Write it like https://lastday.example.")
        return None
    if parts.username is not None or parts.password is not None:
        table.wrong("url", "url carries a user name or password", code="P104", mend="Clients send their token.")
    elif parts.query or parts.fragment:
        table.wrong("url", "url has a query or a fragment", mend="Write it like https://lastday.example.")
    elif parts.scheme == "http" and not is_loopback(parts.hostname or ""):
        what = f"http:// has clients send everything in clear to {parts.hostname}"
        table.wrong("url", what, code=IN_CLEAR, mend="Use https://; in clear only to this machine.")
    else:
        return text.rstrip("/")
    return None


def _split(address: str) -> SplitResult | None:
    try:
        parts = urlsplit(address)
        _ = parts.port
    except ValueError:
        return None
    return parts if parts.scheme in ("http", "https") and parts.hostname else None


def _check_encryption(table: Table, settings: ServerSettings) -> None:
    for name, other in (("certificate", "private_key"), ("private_key", "certificate")):
        if name in table and other not in table:
            table.wrong(name, f"{name} stands without {other}", code="P106", mend=f"Add {other} = ...")
    if "certificate" in table or "private_key" in table or settings.behind_proxy or is_loopback(settings.host):
        return
    mend = "Add certificate and private_key, or behind_proxy = true where a proxy before it encrypts."
    table.wrong("listen", f"{settings.host} is reached over the network in clear", code=IN_CLEAR, mend=mend)


def _check_reachable(table: Table, settings: ServerSettings) -> None:
    """Without `url` the address that is listened on stands in answers: it must be one."""
    if "url" in table or not (settings.host in _EVERYWHERE or settings.behind_proxy):
        return
    table.problems.add(
        "url is missing: clients cannot be told where they reach us", table.place, "P106", mend="Add url = ..."
    )
