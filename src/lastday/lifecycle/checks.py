"""Whether a feed may be believed. What is found here stops the whole file; the last good one stays."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

from rapidfuzz.distance import JaroWinkler

from lastday.configuration.settings import BrakeSettings, SourceSettings
from lastday.lifecycle.feed import GROUP_ATTRIBUTES, FeedHistory, FeedSnapshot
from lastday.model.finding import Finding, RejectedRow, Severity

SMALLEST_GROUP = 4
NEAR = 0.7
"""Similarity from which a heading is proposed as the new name of a lost one."""
SHOWN = 5


def check_feed(
    snapshot: FeedSnapshot,
    history: FeedHistory,
    settings: SourceSettings,
    brakes: BrakeSettings,
    rejected: Sequence[RejectedRow],
) -> tuple[Finding, ...]:
    """Everything that speaks against believing the file; `is_stopped` says whether it may be taken.

    A file that shrank, was cut, lost or renamed a mapped column, has a key twice or too many unreadable rows is
    stopped (design section 7). Nothing here looks at who would leave: that is what the brakes judge.
    """
    return (
        *_columns(snapshot, history, settings),
        *_shape(snapshot, history),
        *_duplicates(snapshot, settings),
        *_rejects(snapshot, brakes, rejected),
        *_size(snapshot, history, settings, brakes),
    )


def is_stopped(findings: Sequence[Finding]) -> bool:
    """One of the findings stops the feed."""
    return any(finding.severity in (Severity.ERROR, Severity.CRITICAL) for finding in findings)


def mapped_columns(settings: SourceSettings) -> tuple[str, ...]:
    """The headings that a file of this source must have, each once."""
    status = () if settings.status is None else (settings.status.column,)
    person = () if settings.person_key is None else (settings.person_key,)
    return tuple(dict.fromkeys((settings.key, *person, *settings.columns.values(), *status)))


def _columns(snapshot: FeedSnapshot, history: FeedHistory, settings: SourceSettings) -> Iterator[Finding]:
    mapped = mapped_columns(settings)
    for column, times in sorted(Counter(snapshot.columns).items()):
        if times > 1 and column in mapped:
            yield _stop(
                snapshot,
                "S117",
                f"column {column} stands {times} times in the heading (line 1)",
                "Export the file with each column once.",
            )
    missing = [column for column in mapped if column not in snapshot.columns]
    strange = [column for column in snapshot.columns if column not in mapped and column not in history.columns]
    for column in missing:
        yield _missing(snapshot, column, strange)
    lost = [c for c in history.columns if c not in snapshot.columns and c not in missing]
    if lost:
        yield _warn(snapshot, "S119", f"columns that nothing maps are gone from the heading: {', '.join(lost)}", "")


def _missing(snapshot: FeedSnapshot, column: str, strange: Sequence[str]) -> Finding:
    near = max(strange, key=lambda name: JaroWinkler.similarity(column, name), default=None)
    table = f"[source.{snapshot.source}.map]"
    detail = f"column {column} is missing from the heading (line 1)"
    if near is None or JaroWinkler.similarity(column, near) < NEAR:
        return _stop(snapshot, "S113", detail, f"Export the column again, or take it out of {table}.")
    mend = f"Have the export name it {column} again, or map {near} in {table}."
    return _stop(snapshot, "S113", f"{detail}; perhaps renamed: {column} -> {near}", mend)


def _shape(snapshot: FeedSnapshot, history: FeedHistory) -> Iterator[Finding]:
    """Rows narrower or wider than the heading, and a file that ends too early."""
    if not snapshot.rows:
        yield _stop(snapshot, "S116", "the file has a heading and no row", "Ask for the file again.")
        return
    full = len(snapshot.columns)
    last = snapshot.rows[-1]
    cut_short = last.width < full
    if cut_short or (history.ended_with_newline and not snapshot.ends_with_newline):
        how = f"has {last.width} of {full} cells" if cut_short else "does not end with a line break as files before did"
        yield _stop(
            snapshot,
            "S111",
            f"the file is cut: its last row (line {last.line}) {how}",
            "Ask for the file again; it was read while it was written, or its transfer broke.",
        )
    others = [row for row in snapshot.rows if row.width != full and not (row is last and cut_short)]
    if others:
        lines = _some([str(row.line) for row in others])
        yield _stop(
            snapshot,
            "S112",
            f"{len(others)} rows do not have the {full} cells of the heading, such as "
            f"line {others[0].line} with {others[0].width}; lines {lines}",
            "Export with quotes around cells that hold the delimiter or line breaks.",
        )


def _duplicates(snapshot: FeedSnapshot, settings: SourceSettings) -> Iterator[Finding]:
    lines: dict[str, list[int]] = defaultdict(list)
    for row in snapshot.rows:
        if key := row.cells.get(settings.key, ""):
            lines[key].append(row.line)
    for key, places in sorted(lines.items()):
        if len(places) > 1:
            yield _stop(
                snapshot,
                "S114",
                f"{settings.key} {key} stands on {len(places)} lines: {_some([str(line) for line in places])}",
                "One row for each engagement: find out which one is meant and export again.",
            )


def _rejects(snapshot: FeedSnapshot, brakes: BrakeSettings, rejected: Sequence[RejectedRow]) -> Iterator[Finding]:
    count = len(rejected)
    if count <= brakes.rejects_floor or count * 1000 <= brakes.rejects_per_mille * len(snapshot.rows):
        return
    first = rejected[0]
    yield _stop(
        snapshot,
        "S115",
        f"{count} of {len(snapshot.rows)} rows cannot be read, such as line {first.row}, "
        f"column {first.column}: {first.why}",
        first.mend,
    )


def _size(
    snapshot: FeedSnapshot, history: FeedHistory, settings: SourceSettings, brakes: BrakeSettings
) -> Iterator[Finding]:
    """Fewer rows than can be explained by people who are known to have left."""
    here = frozenset(snapshot.keys(settings.key))
    expected = history.rows - len(history.departed - here)
    vanished = _vanished(history, here)
    if snapshot.rows and len(snapshot.rows) * 100 < brakes.feed_rows_percent * expected:
        named = "; ".join(vanished)
        detail = (
            f"the file has {len(snapshot.rows)} rows where {expected} are expected "
            f"(less than {brakes.feed_rows_percent} %){f'; {named}' if named else ''}"
        )
        yield _stop(snapshot, "S110", detail, "Have the export's filter and rights checked, then send the file again.")
    elif vanished:
        yield _warn(snapshot, "S118", "; ".join(vanished), "Ask the source's owner whether the group was left out.")


def _vanished(history: FeedHistory, here: frozenset[str]) -> tuple[str, ...]:
    """A sentence for each site, employer and team of which nobody is left in the file, the largest first."""
    members: dict[tuple[str, str], set[str]] = defaultdict(set)
    for key, groups in history.groups.items():
        for group in groups:
            members[group].add(key)
    gone = [(len(keys), group) for group, keys in members.items() if len(keys) >= SMALLEST_GROUP and not keys & here]
    gone.sort(key=lambda entry: (-entry[0], entry[1]))
    sentences = [f"all {count} people of {_group_name(group)} are missing" for count, group in gone]
    return (*sentences[:SHOWN], *([f"and {len(gone) - SHOWN} more groups"] if len(gone) > SHOWN else []))


def _group_name(group: tuple[str, str]) -> str:
    attribute, value = group
    return value if attribute == "location" else f"{GROUP_ATTRIBUTES[attribute]} {value}"


def _some(items: Sequence[str]) -> str:
    return ", ".join(items[:SHOWN]) + (f" and {len(items) - SHOWN} more" if len(items) > SHOWN else "")


def _stop(snapshot: FeedSnapshot, code: str, detail: str, mend: str) -> Finding:
    return Finding(code=code, severity=Severity.ERROR, subject=f"source/{snapshot.source}", detail=detail, mend=mend)


def _warn(snapshot: FeedSnapshot, code: str, detail: str, mend: str) -> Finding:
    return Finding(code=code, severity=Severity.WARNING, subject=f"source/{snapshot.source}", detail=detail, mend=mend)
