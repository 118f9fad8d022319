"""docs/vendors.md, written from the vendor profiles: `python -m tests.docs.vendor_page` writes it anew."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from lastday.connectors.scim.vendor_profile import (
    Bucket,
    VendorProfile,
    WithoutScim,
    load_vendor,
    vendors,
    vendors_without_scim,
)
from lastday.connectors.scim.vendor_terms import DisableVerb, SessionEnd

PAGE = Path(__file__).resolve().parents[2] / "docs" / "vendors.md"
ENDED_BY = {
    SessionEnd.NATIVE: "the vendor",
    SessionEnd.SEPARATE_API: "another interface",
    SessionEnd.NONE: "nothing: they run out",
    SessionEnd.UNKNOWN: "not known",
}
INTRODUCTION = """# Vendors

What applications really do when they are told over SCIM that somebody leaves. Deactivate is not one verb: here it
suspends, there it deletes for ever, and almost nowhere does it end everything that is open. A configuration names a
vendor with `vendor = "slack"`; the connector then keeps to what is written here, and the plan shows what cannot be
undone, what is destroyed and what stays alive.

Every group of facts has its source and says how sure it is: *documented* by the vendor, *secondary* (a client's code,
an identity provider's guide), or *unconfirmed*, which is an assumption that a read-back must bear out. What nobody
states is left out: a missing limit is not the absence of a limit.

This page is written from `src/lastday/connectors/scim/vendors/*.toml` by `python -m tests.docs.vendor_page`.
"""


def page() -> str:
    """The whole page."""
    profiles = [load_vendor(name) for name in vendors()]
    parts = [INTRODUCTION, "## At a glance\n", _overview(profiles)]
    parts += [_section(profile) for profile in profiles]
    parts += ["## Vendors that take no SCIM from Lastday\n", _others(vendors_without_scim())]
    return "\n".join(parts)


def _overview(profiles: Iterable[VendorProfile]) -> str:
    rows = [
        (
            f"`{p.name}`",
            _disable_request(p),
            _undone(p),
            p.read_back.after_disable.value.replace("_", " "),
            _delete(p),
            ENDED_BY[p.sessions.ended_by],
            p.disable.confidence.value,
        )
        for p in profiles
    ]
    head = ("vendor", "disable", "can be undone", "then shown as", "DELETE", "sessions ended by", "how sure")
    return _table(head, rows)


def _disable_request(profile: VendorProfile) -> str:
    match profile.disable.verb:
        case DisableVerb.PATCH:
            return "PATCH active=false"
        case DisableVerb.PUT:
            return "PUT active=false"
        case DisableVerb.DELETE:
            return "DELETE"


def _undone(profile: VendorProfile) -> str:
    if profile.disable.reversible:
        return "yes"
    return "**no, the account is deleted**" if profile.disable.deletes else "**no**"


def _delete(profile: VendorProfile) -> str:
    if not profile.delete.exists:
        return "none"
    return "can be undone" if profile.delete.reversible else "for ever"


def _section(profile: VendorProfile) -> str:
    lines = [f"## {profile.title}\n", f"`vendor = {_quoted(profile.name)}`"]
    if profile.plan:
        lines.append(f"({profile.plan})")
    return "\n".join([*lines, "", _table(("", "what is known", "source"), _facts(profile))])


def _facts(profile: VendorProfile) -> Iterator[tuple[str, str, str]]:
    described = {
        "address": [f"`{profile.address.base_url}`"],
        "auth": _auth(profile),
        "create": _create(profile),
        "disable": [
            f"{_disable_request(profile)}; can be undone: {_undone(profile)}",
            *_destroys(profile.disable.destroys),
        ],
        "delete": [_delete(profile), *_destroys(profile.delete.destroys)],
        "sessions": _sessions(profile),
        "effects": _effects(profile),
        "groups": _groups(profile),
        "filter": _filter(profile),
        "paging": _paging(profile),
        "rates": _rates(profile),
        "patch": _patch(profile),
        "read_back": _read_back(profile),
    }
    for name, said in described.items():
        facts = getattr(profile, name)
        text = ". ".join(part for part in (*said, facts.note.rstrip(".")) if part)
        source = f"[{facts.confidence.value}]({facts.source})" if facts.source else facts.confidence.value
        yield name.replace("_", " "), text + ".", f"{source}, {facts.checked_on}"


def _auth(profile: VendorProfile) -> list[str]:
    auth = profile.auth
    return [f"{auth.kind}: `{auth.header}`", auth.token_of.rstrip("."), f"Useless when {_or(auth.dies_when)}"]


def _create(profile: VendorProfile) -> list[str]:
    create = profile.create
    said = ["POST" if create.allowed else "none"]
    said += [f"Required beside userName: {_listed(create.required)}"] if create.required else []
    return said + ([f"One value only: {_listed(create.single_valued)}"] if create.single_valued else [])


def _destroys(destroyed: tuple[str, ...]) -> list[str]:
    return [f"Destroys {'; '.join(destroyed)}"] if destroyed else []


def _sessions(profile: VendorProfile) -> list[str]:
    lag = profile.sessions.max_lag_s
    said = [f"Ended by: {ENDED_BY[profile.sessions.ended_by]}"]
    return said + ([f"At most {lag // 3600} hours go on"] if lag is not None else [])


def _effects(profile: VendorProfile) -> list[str]:
    effects = profile.effects
    named = {
        "Stay alive": effects.keeps,
        "Survive": effects.survives,
        "Hand over first": effects.transfer_before,
        "Not seen here": effects.not_governed,
    }
    return [f"{name}: {'; '.join(listed)}" for name, listed in named.items() if listed]


def _groups(profile: VendorProfile) -> list[str]:
    groups = profile.groups
    if not groups.exist:
        return ["none"]
    limits = {
        "members per PATCH": groups.max_members_per_patch,
        "removals per PATCH": groups.max_removals_per_patch,
        "members at creation": groups.max_members_on_create,
    }
    said = ["yes", *(f"At most {most} {what}" for what, most in limits.items() if most is not None)]
    said += [] if groups.members_readable else ["Members cannot be read"]
    said += [f"Membership by `{groups.member_filter}`"] if groups.member_filter else []
    return said + ([] if groups.replace_members_allowed else ["Members are never replaced or all removed"])


def _filter(profile: VendorProfile) -> list[str]:
    rules = profile.filter
    said = [f"{_listed(rules.operators)} on {_listed(rules.users)}"]
    said += [f"Groups by {_listed(rules.groups)}"] if rules.groups else []
    said += [f"Joined by {_listed(rules.joins)}"] if rules.joins else ["One comparison"]
    return said + ([f"At most {rules.max_nodes} nodes"] if rules.max_nodes else [])


def _paging(profile: VendorProfile) -> list[str]:
    paging = profile.paging
    said = [f"By {paging.mode.value}" + (f", at most {paging.max}" if paging.max else "")]
    return said + ([f"Not taken: {_listed(paging.unsupported)}"] if paging.unsupported else [])


def _rates(profile: VendorProfile) -> list[str]:
    said = [_bucket(bucket) for bucket in profile.rates.buckets] or ["No number is known"]
    return [*said, f"Throttled: {', '.join(map(str, profile.rates.statuses))}"]


def _bucket(bucket: Bucket) -> str:
    if bucket.concurrent:
        return f"{bucket.name}: {bucket.concurrent} at once"
    burst = f", burst {bucket.burst}" if bucket.burst else ""
    longer = f", bodies over {bucket.larger_than_bytes} bytes" if bucket.larger_than_bytes else ""
    shared = ", shared by all clients" if bucket.shared else ""
    return f"{bucket.name}: {bucket.requests} in {bucket.window_s} s{burst}{longer}{shared}"


def _patch(profile: VendorProfile) -> list[str]:
    patch = profile.patch
    if patch.put_only:
        return ["PUT only"]
    case = "Replace" if patch.op_case.value == "capital" else "replace"
    form = "with a path" if patch.path_form.value == "path" else "without a path"
    said = [f"`{case}`, {form}, booleans as {patch.booleans.value.upper() if patch.booleans == 'json' else 'text'}"]
    return said + ([] if patch.value_paths else ["Paths with a filter do nothing"])


def _read_back(profile: VendorProfile) -> list[str]:
    read_back = profile.read_back
    said = [f"After disable: {read_back.after_disable.value.replace('_', ' ')}"]
    deleted = read_back.after_delete
    return said + ([f"After DELETE: {deleted.value.replace('_', ' ')}"] if deleted else [])


def _others(without: Iterable[WithoutScim]) -> str:
    rows = [(v.title, v.instead, v.note, f"[{v.confidence.value}]({v.source}), {v.checked_on}") for v in without]
    return _table(("vendor", "instead", "", "source"), rows)


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [_row(head), "|" + "---|" * len(head), *(_row(row) for row in rows)]
    return "\n".join(lines) + "\n"


def _row(cells: tuple[str, ...]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _or(texts: tuple[str, ...]) -> str:
    return " or ".join(texts)


def _quoted(name: str) -> str:
    return f'"{name}"'


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
