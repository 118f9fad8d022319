"""The demo's folder: ours alone, one demo at a time, founded anew by every run."""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lastday.interfaces.cli.demo import directory
from lastday.model.errors import InputError
from lastday.store.reach import choose_runner, first_closed

DEFAULT = Path("demo")
FOR_ROOT = Path("/var/lib/lastday-demo")
MARK = ".lastday-demo"
_OF_A_RUN = ("home", "ledger", "directory", "secrets", "logs")
BUNDLES = "bundles"


def default_folder() -> Path:
    """./demo; for root a place that the databases' plain user may enter where ./demo is none."""
    return DEFAULT if _databases_may_enter(DEFAULT.absolute().parent) else FOR_ROOT


def _databases_may_enter(parent: Path) -> bool:
    return os.geteuid() != 0 or first_closed(parent, choose_runner(parent / DEFAULT / "home" / "pg")) is None


@contextmanager
def claimed(folder: Path) -> Iterator[None]:
    """The folder is there, a demo's, and nobody else's while the block runs. Raises InputError."""
    mark = folder / MARK
    if folder.exists() and not mark.exists() and any(folder.iterdir()):
        raise InputError(
            f"{folder} holds something that is not a demo",
            code="D202",
            effect="Nothing was touched.",
            mend="Name another folder with --folder.",
        )
    folder.mkdir(parents=True, exist_ok=True)
    with mark.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as err:
            raise InputError(
                f"a demo runs in {folder} already", code="D203", mend="End it with Ctrl-C, or name another --folder."
            ) from err
        yield


def clear(folder: Path, *, bundles_too: bool) -> None:
    """What the last run left is gone; its bundles only where they shall go too. No server of it runs any more."""
    directory.end_leftover(folder)
    for name in (*_OF_A_RUN, *((BUNDLES,) if bundles_too else ())):
        shutil.rmtree(folder / name, ignore_errors=True)
    for name in ("logs", BUNDLES):
        (folder / name).mkdir(mode=0o700, exist_ok=True)
