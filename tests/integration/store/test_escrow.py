"""Secrets that must be put back later are sealed, bound to their place, and never overwritten."""

import stat
from pathlib import Path

import pytest

from lastday.model.ids import ApplicationName, NativeId
from lastday.store.database import Database
from lastday.store.escrow import EscrowUnreadable, SealedEscrow

APP, ADA, BOB = ApplicationName("directory"), NativeId("ada"), NativeId("bob")
SECRET = "{SSHA}old-hash"


async def test_what_is_kept_comes_back_until_it_is_discarded(database: Database, tmp_path: Path):
    escrow = SealedEscrow(database, tmp_path)
    assert await escrow.look(APP, ADA, "password") is None
    await escrow.keep(APP, ADA, "password", SECRET)
    assert await SealedEscrow(database, tmp_path).look(APP, ADA, "password") == SECRET
    await escrow.discard(APP, ADA, "password")
    assert await escrow.look(APP, ADA, "password") is None


async def test_the_first_value_stays(database: Database, tmp_path: Path):
    """A second disable would keep the unusable password as if it were the old one."""
    escrow = SealedEscrow(database, tmp_path)
    await escrow.keep(APP, ADA, "password", SECRET)
    await escrow.keep(APP, ADA, "password", "unusable")
    assert await escrow.look(APP, ADA, "password") == SECRET


async def test_the_secret_is_not_in_the_database_and_the_key_is_private(database: Database, tmp_path: Path):
    await SealedEscrow(database, tmp_path).keep(APP, ADA, "password", SECRET)
    async with database.transaction() as tx:
        row = await tx.fetch_one("SELECT sealed FROM escrow")
    assert row is not None
    assert b"old-hash" not in row["sealed"]
    assert stat.S_IMODE((tmp_path / "keys" / "escrow.key").stat().st_mode) == 0o600
    assert [path.name for path in (tmp_path / "keys").iterdir()] == ["escrow.key"]


@pytest.mark.parametrize(
    "tampering",
    [
        "UPDATE escrow SET native_id = 'bob'",
        "UPDATE escrow SET sealed = set_byte(sealed, 40, get_byte(sealed, 40) # 1)",
        "UPDATE escrow SET sealed = substring(sealed for 30)",
    ],
)
async def test_a_secret_moved_or_changed_in_the_database_is_not_put_back(
    database: Database, tmp_path: Path, tampering: str
):
    """Somebody's hash put under another's name would let them in as that person."""
    escrow = SealedEscrow(database, tmp_path)
    await escrow.keep(APP, ADA, "password", SECRET)
    async with database.transaction() as tx:
        await tx.execute(tampering)
    with pytest.raises(EscrowUnreadable):
        await escrow.look(APP, BOB if "bob" in tampering else ADA, "password")


async def test_a_host_with_another_key_says_so(database: Database, tmp_path: Path):
    await SealedEscrow(database, tmp_path / "one").keep(APP, ADA, "password", SECRET)
    with pytest.raises(EscrowUnreadable, match="another key"):
        await SealedEscrow(database, tmp_path / "two").look(APP, ADA, "password")


async def test_a_key_that_others_can_read_is_not_used(database: Database, tmp_path: Path):
    escrow = SealedEscrow(database, tmp_path)
    await escrow.keep(APP, ADA, "password", SECRET)
    (tmp_path / "keys" / "escrow.key").chmod(0o644)
    with pytest.raises(EscrowUnreadable, match="not a private key file"):
        await escrow.look(APP, ADA, "password")
