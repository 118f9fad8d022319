"""Which revisions the program has, and which of them a database lacks."""

from functools import cache
from pathlib import Path

from lastday.model.errors import DatabaseUnusable

CURRENT = "SELECT version_num FROM schema_version"


@cache
def known_revisions() -> tuple[str, ...]:
    """Every revision of this program, the oldest first: each has a file of its name."""
    versions = Path(__file__).parent / "migrations" / "versions"
    return tuple(sorted(path.stem for path in versions.glob("[0-9]*.py")))


def missing_from(current: str | None) -> tuple[str, ...]:
    """What a database at this revision lacks. Raises DatabaseUnusable where it is newer than the program."""
    known = known_revisions()
    if current is None:
        return known
    if current not in known:
        raise DatabaseUnusable(
            f"the database is newer than this program: it has revision {current}, this program ends at {known[-1]}",
            effect="nothing was changed",
            mend="install the Lastday that made it, or a newer one",
            code="T105",
        )
    return known[known.index(current) + 1 :]
