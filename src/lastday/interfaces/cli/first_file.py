"""The first configuration, commented: what the file's own headings tell is filled in, the rest says how."""

import json
from collections.abc import Sequence
from pathlib import Path

_GUESSES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("employeeNumber", ("employee_id", "employee_number", "employee_no", "personnel_number", "staff_id", "id")),
    ("displayName", ("full_name", "display_name", "name")),
    ("name.givenName", ("given_name", "first_name", "firstname")),
    ("name.familyName", ("family_name", "last_name", "surname", "lastname")),
    ("userName", ("user_name", "username", "login", "work_email", "email")),
    ("emails.value", ("work_email", "email", "mail", "email_address")),
    ("title", ("job_title", "title", "position")),
    ("department", ("department", "dept", "team")),
    ("costCenter", ("cost_center", "cost_centre")),
    ("manager", ("manager_id", "manager", "supervisor")),
    ("userType", ("worker_type", "employment_type", "type")),
    ("organization", ("company", "employer", "organization")),
    ("location", ("site", "location", "office")),
    ("country", ("country",)),
    ("timezone", ("time_zone", "timezone")),
    ("startDate", ("start_date", "hire_date", "entry_date")),
    ("endDate", ("end_date", "termination_date", "leave_date", "exit_date")),
    ("endsAt", ("last_working_moment", "ends_at")),
    ("endReason", ("termination_reason", "end_reason", "reason")),
)
_KEYS = ("employee_id", "employee_number", "employee_no", "personnel_number", "staff_id", "id")
_PERSON_KEYS = ("person_key", "person_id")
_STATUS = ("status", "employment_status", "state")


def first_configuration(company: str, feed: Path, columns: Sequence[str], zone: str, user: str, *, beside: Path) -> str:
    """The text of a configuration that `lastday check` accepts, for a feed with these headings."""
    lines = (
        "# Lastday. Validate with `lastday check`; nothing is done before `lastday apply`.",
        "[company]",
        f"name      = {_quoted(company)}",
        f"time_zone = {_quoted(zone)}            # used where HR gives a date without a zone",
        *_source(_path(feed, beside), columns),
        *_map(columns),
        *_decider(user),
        *_examples(),
        "",
        "# ---------- how somebody leaves; exactly one profile without `when`",
        "[leaver.standard]",
        'limit = "15m"                  # all access verified gone inside this',
    )
    return "\n".join(lines) + "\n"


def _source(path: str, columns: Sequence[str]) -> tuple[str, ...]:
    person_key = _column(columns, _PERSON_KEYS)
    said = f"person_key = {_quoted(person_key)}" if person_key else '# person_key = "person_id"'
    return (
        "",
        "# ---------- where people come from",
        "[source.hr]",
        'kind       = "csv"',
        f"path       = {_quoted(path)}      # beside this file, or a whole path",
        f"key        = {_quoted(_column(columns, _KEYS) or columns[0])}      # names one engagement",
        f"{said}      # one person across engagements, where HR has it",
        'date       = "YYYY-MM-DD"      # or DD.MM.YYYY, MM/DD/YYYY',
        'end_of_day = "17:00"           # when a bare end date takes effect, in the person\'s zone',
        "absent_after = { files = 2, hours = 12 }      # missing from so many files, so far apart, means ended",
    )


def _map(columns: Sequence[str]) -> tuple[str, ...]:
    mapped = _mapped(columns)
    status = _column(columns, _STATUS)
    values = 'active = ["active"], suspended = ["on_leave"], ended = ["terminated"]'
    said = f"status = {{ column = {_quoted(status or 'status')}, {values} }}"
    return (
        "",
        "[source.hr.map]                # attribute = column; guessed from the headings, look at each",
        *(f"{_attribute(name)} = {_quoted(column)}" for name, column in mapped.items()),
        f"{'' if status else '# '}{said}",
        *(f"# not mapped, so not stored: {column}" for column in columns if column not in _used(mapped, columns)),
    )


def _decider(user: str) -> tuple[str, ...]:
    return (
        "",
        "# ---------- who may decide; `lastday token new NAME` makes a token",
        f"[user.{user}]",
        f"name  = {_quoted(user)}",
        'roles = ["admin", "approver"]',
        f'token = {{ env = "{user.replace("-", "_").upper()}_TOKEN" }}',
    )


def _examples() -> tuple[str, ...]:
    return (
        "",
        "# ---------- where accounts live: begin with `observe`, nothing is changed there",
        *(f"# {line}" for line in _EXAMPLE_APP),
        "",
        "# ---------- who should have what: an entitlement implies the account in its application",
        *(f"# {line}" for line in _EXAMPLE_ROLE),
    )


_EXAMPLE_APP = (
    "[app.chat]",
    'connector = "scim"',
    'url       = "https://chat.example/scim/v2"',
    'token     = { env = "CHAT_TOKEN" }',
    'match     = { proof = ["externalId = employeeNumber"], hint = ["userName = userName"] }',
    'mode      = "observe"          # observe | propose | enforce',
)
_EXAMPLE_ROLE = (
    "[role.everyone]",
    "when = 'lifecycle eq \"active\"'",
    'give = ["chat:account"]',
)


def _mapped(columns: Sequence[str]) -> dict[str, str]:
    found = {attribute: _column(columns, names) for attribute, names in _GUESSES}
    return {attribute: column for attribute, column in found.items() if column is not None}


def _column(columns: Sequence[str], names: Sequence[str]) -> str | None:
    folded = {_folded(column): column for column in reversed(columns)}
    return next((folded[name] for name in names if name in folded), None)


def _folded(heading: str) -> str:
    return heading.strip().casefold().replace(" ", "_").replace("-", "_")


def _used(mapped: dict[str, str], columns: Sequence[str]) -> set[str | None]:
    others = (_column(columns, _PERSON_KEYS), _column(columns, _STATUS), _column(columns, _KEYS))
    return {*mapped.values(), *others}


def _attribute(name: str) -> str:
    return f'"{name}"' if "." in name else name


def _quoted(text: str | None) -> str:
    return json.dumps(text or "", ensure_ascii=False)


def _path(feed: Path, beside: Path) -> str:
    """Relative to the configuration where the file stands beside or below it."""
    try:
        return str(feed.resolve().relative_to(beside.resolve()))
    except ValueError:
        return str(feed.resolve())
