"""The readable page of a bundle: one self-contained HTML file, everything in it escaped."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportRow:
    """What became of one access: who, where, what, when, and what proves it."""

    application: str
    account: str
    action: str
    """In words: `sign-in switched off`, `removed from group vpn`."""
    state: str
    """In words: `gone`, `confirmed by hand`, `not yet proven`."""
    accepted_at: datetime | None = None
    verified_at: datetime | None = None
    settled_at: datetime | None = None
    proofs: tuple[str, ...] = ()
    """Each kind of proof that was taken, and the ids of the entries that hold it."""
    by: str = ""
    """Who did it, where a person did."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What the page shows. Times are shown in UTC."""

    title: str
    subject: str
    """The person, as the reader knows them."""
    verdict: str
    """The whole in one sentence: `All access was gone at ...`, `Incomplete: ... is missing`."""
    facts: tuple[tuple[str, str], ...] = ()
    """Label and value, in order: company, case, cause, effective, profile, milestones."""
    rows: tuple[ReportRow, ...] = ()
    remarks: tuple[str, ...] = ()
    """What the reader must know: what cannot be proven, what was left and why."""


_STYLE = """
body{font:15px/1.5 system-ui,sans-serif;color:#1b1f24;max-width:70rem;margin:2.5rem auto;padding:0 1.5rem}
h1{font-size:1.6rem;margin:0}h2{font-size:1.1rem;margin:2rem 0 .5rem}p.subject{font-size:1.2rem;margin:.2rem 0 1rem}
p.verdict{border-left:4px solid #1b1f24;padding:.4rem .8rem;background:#f3f4f6}
table{border-collapse:collapse;width:100%}th,td{text-align:left;vertical-align:top;padding:.4rem .6rem}
th,td{border-bottom:1px solid #d0d5db;overflow-wrap:anywhere}thead th{border-bottom:2px solid #1b1f24}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.2rem 1.5rem}dt{color:#57606a}dd{margin:0}
footer{margin-top:2.5rem;color:#57606a;font-size:.9rem}code{overflow-wrap:anywhere}
@media print{body{margin:0;max-width:none}}
"""
_HEADINGS = ("Application", "Account", "What was done", "State", "Accepted", "Verified", "Settled", "Proof")


def certificate(report: Report, *, case: str, made_at: datetime, fingerprint: str) -> str:
    """The page. It needs nothing from anywhere and runs nothing."""
    heads = "".join(f'<th scope="col">{heading}</th>' for heading in _HEADINGS)
    rows = "".join(map(_row, report.rows)) or f'<tr><td colspan="{len(_HEADINGS)}">Nothing had to be done.</td></tr>'
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(report.title)}</title><style>{_STYLE}</style></head><body>\n"
        f'<h1>{escape(report.title)}</h1><p class="subject">{escape(report.subject)}</p>\n'
        f'<p class="verdict">{escape(report.verdict)}</p>\n{_facts(report.facts)}\n'
        f"<h2>Access</h2><table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>\n"
        f"{_remarks(report.remarks)}\n{_footer(case, made_at, fingerprint)}</body></html>\n"
    )


def _row(row: ReportRow) -> str:
    proofs = list(row.proofs) + ([f"done by {row.by}"] if row.by else [])
    cells = [
        escape(row.application),
        escape(row.account),
        escape(row.action),
        escape(row.state),
        *(_moment(at) for at in (row.accepted_at, row.verified_at, row.settled_at)),
        "<br>".join(map(escape, proofs)),
    ]
    return "<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"


def _moment(at: datetime | None) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC" if at else "–"


def _facts(facts: Sequence[tuple[str, str]]) -> str:
    return "<dl>" + "".join(f"<dt>{escape(label)}</dt><dd>{escape(value)}</dd>" for label, value in facts) + "</dl>"


def _remarks(remarks: Sequence[str]) -> str:
    if not remarks:
        return ""
    return "<h2>Remarks</h2><ul>" + "".join(f"<li>{escape(remark)}</li>" for remark in remarks) + "</ul>"


def _footer(case: str, made_at: datetime, fingerprint: str) -> str:
    return (
        f"<footer><p>Case <code>{escape(case)}</code>, bundle made {_moment(made_at)}.</p>"
        "<p>This page is for reading. The proof is in the files beside it; check them, with a fingerprint that you got "
        f"elsewhere, by<br><code>python -I verify.py BUNDLE.zip --key FINGERPRINT</code><br>"
        f"The bundle says of itself that it is signed by <code>{escape(fingerprint)}</code>.</p></footer>"
    )
