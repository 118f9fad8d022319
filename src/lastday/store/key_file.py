"""Keys of this program's own in files: made at the first use, readable by nobody else."""

import os
import secrets
from pathlib import Path

from lastday.model.errors import StoreError

KEY_BYTES = 32


class KeyFileUnusable(StoreError):
    """What stands where the key should be is not safe to use, or no key."""

    code = "T121"


def load_or_make_key(path: Path) -> bytes:
    """The key in `path`, made where there is none yet, by one of several processes. Raises KeyFileUnusable."""
    try:
        return _read_key(path)
    except FileNotFoundError:
        _make_key(path)
        return _read_key(path)


def _read_key(path: Path) -> bytes:
    mode = path.stat().st_mode & 0o777
    key = path.read_bytes()
    if mode & 0o077 or len(key) != KEY_BYTES:
        raise KeyFileUnusable(
            f"{path} is not a private key file of {KEY_BYTES} bytes (mode {mode:03o}, {len(key)} bytes)",
            effect="it is not used",
            mend=f"chmod 600 {path}, or bring the true key back",
            where=str(path),
        )
    return key


def _make_key(path: Path) -> None:
    """Written beside, then linked: of two processes one wins, and nobody ever reads half a key."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.write(descriptor, secrets.token_bytes(KEY_BYTES))
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    try:
        path.hardlink_to(fresh)
    except FileExistsError:
        pass
    finally:
        fresh.unlink()
