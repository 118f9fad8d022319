"""Appending, numbering, growing, erasing and checking the stored log."""

import asyncio
import json

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lastday.evidence.checkpoints import FileCopies
from lastday.evidence.entries import EntryKind, append, erase
from lastday.evidence.keys import public_keys, rotate
from lastday.evidence.log_check import verify_log
from lastday.evidence.sequencer import load_proof_nodes
from lastday.evidence.spool import Spool
from lastday.evidence.tree import consistency_ranges, inclusion_ranges, proof
from lastday.evidence.verify import extends, includes
from lastday.model.errors import EvidenceError
from lastday.store import entries as log
from tests.integration.evidence.scenes import (
    AT,
    CASE,
    LEAVER,
    STAMP,
    draft,
    sequencer_of,
    write_entries,
    write_history,
)


async def checked(database, sequencer, copies=()):
    async with database.transaction() as tx:
        return await verify_log(tx, [sequencer.keys.current().public], copies)


async def stored(tx, entry):
    found = await log.load_entry(tx, entry)
    assert found is not None
    return found


async def rows(database, query, *parameters):
    async with database.transaction() as tx:
        return await tx.fetch_all(query, parameters)


async def tampered(database, statement):
    """The database's owner changes the log behind the triggers."""
    async with database.transaction() as tx:
        await tx.execute("ALTER TABLE entry DISABLE TRIGGER USER")
        await tx.execute(statement)
        await tx.execute("ALTER TABLE entry ENABLE TRIGGER USER")


async def test_an_entry_is_there_exactly_when_its_transaction_is(database, tmp_path):
    """Design section 9: durable with the transaction, without a number."""

    async def cut_off():
        async with database.transaction() as tx:
            await append(tx, draft(EntryKind.INTENT), STAMP)
            raise RuntimeError("rolled back")

    with pytest.raises(RuntimeError, match="rolled back"):
        await cut_off()
    async with database.transaction() as tx:
        kept = await append(tx, draft(EntryKind.INTENT), STAMP)
    found = await rows(database, "SELECT id, number FROM entry")
    assert [(row["id"], row["number"]) for row in found] == [(kept, None)]
    assert await sequencer_of(database, tmp_path).run_once() == 1
    assert (await rows(database, "SELECT number FROM entry"))[0]["number"] == 0


async def test_every_entry_says_what_wrote_it(database):
    """Design section 3 and 9: tool, policy and test clock are stamped into every entry."""
    async with database.transaction() as tx:
        entry = await append(tx, draft(EntryKind.INTENT), STAMP)
        content = json.loads((await stored(tx, entry)).content)
    assert content["stamp"] == {"tool": "lastday 0.1", "policy": "ab" * 32, "test_clock": True}
    assert (content["id"], content["at"], content["case"]) == (entry, "2026-11-24T06:00:00.000000+00:00", CASE)


async def test_what_cannot_be_written_down_stops_the_effect(database):
    """No audit, no effect."""
    async with database.transaction() as tx:
        with pytest.raises(EvidenceError, match="cannot be written down"):
            await append(tx, draft(EntryKind.INTENT, text="\ud800"), STAMP)


async def test_a_slow_transaction_that_commits_late_is_not_skipped(database, tmp_path):
    """Ids and arrival are no order of commits: what came earlier may commit later."""
    sequencer = sequencer_of(database, tmp_path)
    async with database.transaction() as slow:
        late = await append(slow, draft(EntryKind.INTENT, number=1), STAMP)
        for number in (2, 3):
            async with database.transaction() as tx:
                await append(tx, draft(EntryKind.INTENT, number=number), STAMP)
            assert await sequencer.run_once() == 1
    assert await sequencer.run_once() == 1
    assert await sequencer.run_once() == 0
    async with database.transaction() as tx:
        assert (await stored(tx, late)).number == 2
    assert (await checked(database, sequencer)).holds


async def test_sequencers_that_run_at_once_number_every_entry_once(database, tmp_path):
    """One active by advisory lock; writers commit meanwhile, some late."""
    first, second = sequencer_of(database, tmp_path), sequencer_of(database, tmp_path)
    first.keys.current()

    async def writing(worker):
        for number in range(15):
            async with database.transaction() as tx:
                await append(tx, draft(EntryKind.INTENT, number=worker * 100 + number), STAMP)
                await asyncio.sleep(0.002 * (number % 3))

    async def sequencing(sequencer):
        done = 0
        for _ in range(25):
            done += await sequencer.run_once()
            await asyncio.sleep(0.002)
        return done

    outcomes = await asyncio.gather(*(writing(i) for i in range(3)), sequencing(first), sequencing(second))
    rest = await second.run_once(wait=True)
    assert outcomes[3] + outcomes[4] + rest == 45
    found = await rows(database, "SELECT number FROM entry ORDER BY number")
    assert [row["number"] for row in found] == list(range(45))
    verdict = await checked(database, first, FileCopies.of(tmp_path / "checkpoints", first.origin).all())
    assert verdict.holds, verdict.problems
    assert verdict.waiting == 0


async def test_without_work_nothing_is_signed(database, tmp_path):
    sequencer = sequencer_of(database, tmp_path)
    await write_entries(database, sequencer, [draft(EntryKind.INTENT)])
    assert await sequencer.run_once() == 0
    assert len(await rows(database, "SELECT 1 FROM checkpoint")) == 1


@settings(max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True)
@given(portions=st.lists(st.integers(1, 9), min_size=2, max_size=8))
async def test_the_log_only_grows_and_every_old_checkpoint_stays_consistent(database, tmp_path, portions):
    """I13, with proofs made from stored nodes for every pair of checkpoints and every entry."""
    sequencer = sequencer_of(database, tmp_path)
    for portion in portions:
        async with database.transaction() as tx:
            for number in range(portion):
                await append(tx, draft(EntryKind.INTENT, number=number), STAMP)
        await sequencer.run_once()
    async with database.transaction() as tx:
        heads = (await log.checkpoints_after(tx, 0, 1000))[-8:]
        last = heads[-1]
        for old in heads:
            wanted = consistency_ranges(old.size, last.size)
            path = proof(wanted, await load_proof_nodes(tx, [wanted]))
            assert extends(old.root, old.size, last.root, last.size, path)
        for entry in (await log.entries_from(tx, 0, 1000))[::5]:
            assert entry.number is not None
            wanted = inclusion_ranges(entry.number, last.size)
            path = proof(wanted, await load_proof_nodes(tx, [wanted]))
            assert includes(last.root, last.size, entry.number, entry.leaf, path)


async def test_the_table_refuses_to_lose_or_change_an_entry(database, tmp_path):
    """Accidents are kept out; intent is what the checkpoints are for."""
    await write_entries(database, sequencer_of(database, tmp_path), [draft(EntryKind.INTENT)])
    for statement in (
        "DELETE FROM entry",
        "UPDATE entry SET content = 'x'",
        "UPDATE entry SET number = 7",
        "TRUNCATE entry CASCADE",
    ):
        with pytest.raises(psycopg.errors.RaiseException):
            async with database.transaction() as tx:
                await tx.execute(statement)


@pytest.mark.parametrize(
    ("statement", "place"),
    [
        ("UPDATE entry SET content = overlay(content PLACING 'x' FROM 30) WHERE number = 1", "entry 1"),
        ("UPDATE entry SET leaf = decode(repeat('00', 32), 'hex') WHERE number = 3", "entry 3"),
        ("UPDATE entry SET kind = 'decision' WHERE number = 4", "entry 4"),
        ("UPDATE entry SET identity = 'id-9' WHERE number = 4", "entry 4"),
        ("DELETE FROM entry WHERE number = 2", "entry 2"),
        ("DELETE FROM entry WHERE number = 5", "copy 6"),
        ("UPDATE entry SET number = CASE number WHEN 2 THEN 1000 ELSE number END", "entry 2"),
        ("UPDATE tree_node SET hash = decode(repeat('00', 32), 'hex') WHERE level = 1 AND position = 1", "node 1/1"),
        ("UPDATE checkpoint SET root = decode(repeat('00', 32), 'hex') WHERE size = 3", "checkpoint 3"),
        ("UPDATE checkpoint SET note = replace(note, '3', '4') WHERE size = 3", "checkpoint 3"),
        ("DELETE FROM checkpoint WHERE size = 6", "entry 5"),
        ("DELETE FROM checkpoint WHERE size = 2", "copy 2"),
    ],
)  # fmt: skip
async def test_every_change_behind_our_back_is_named(database, tmp_path, statement, place):
    """T-17: edit, delete, reorder, truncate by somebody who owns the database."""
    sequencer = sequencer_of(database, tmp_path)
    await write_entries(database, sequencer, [draft(EntryKind.INTENT, number=i) for i in range(6)])
    copies = sequencer.copies[0].all()
    assert (await checked(database, sequencer, copies)).holds
    await tampered(database, statement)
    verdict = await checked(database, sequencer, copies)
    assert place in [problem.place for problem in verdict.problems]


async def test_a_log_made_anew_with_another_key_is_not_the_one_that_was_copied(database, tmp_path):
    """T-17 and T-18: re-signed history contradicts the copies, and the key is a stranger's."""
    sequencer = sequencer_of(database, tmp_path)
    await write_entries(database, sequencer, [draft(EntryKind.INTENT, number=i) for i in range(3)])
    await tampered(database, "TRUNCATE entry, checkpoint, tree_node, entry_personal")
    forger = sequencer_of(database, tmp_path / "forger")
    await write_entries(database, forger, [draft(EntryKind.INTENT, number=i) for i in range(3)])
    verdict = await checked(database, sequencer, sequencer.copies[0].all())
    assert {"copy 1", "copy 2", "copy 3", "checkpoint 3"} <= {problem.place for problem in verdict.problems}


async def test_a_database_put_back_to_an_older_state_is_not_signed_any_more(database, tmp_path):
    """T-17, roll back: a second checkpoint of one size would be a split view."""
    sequencer = sequencer_of(database, tmp_path)
    await write_entries(database, sequencer, [draft(EntryKind.INTENT, number=i) for i in range(4)])
    await tampered(database, "DELETE FROM entry WHERE number >= 2")
    await tampered(database, "DELETE FROM checkpoint WHERE size > 2")
    async with database.transaction() as tx:
        await tx.execute("DELETE FROM tree_node WHERE (position + 1) << level > 2")
        await append(tx, draft(EntryKind.INTENT), STAMP)
    with pytest.raises(EvidenceError, match="the log ends at 2, but a copied checkpoint is of size 4"):
        await sequencer.run_once()
    assert len(await rows(database, "SELECT 1 FROM checkpoint")) == 2


async def test_a_copy_that_was_missed_is_made_up_for(database, tmp_path):
    """A crash between commit and copy, or a copy that came later."""
    sequencer = sequencer_of(database, tmp_path)
    await write_entries(database, sequencer, [draft(EntryKind.INTENT, number=i) for i in range(3)])
    sequencer.copies[0].path.unlink()
    await sequencer.run_once()
    assert [copy.size for copy in sequencer.copies[0].all()] == [1, 2, 3]


async def test_another_key_on_disk_does_not_go_on_with_the_log(database, tmp_path):
    sequencer = sequencer_of(database, tmp_path)
    await write_entries(database, sequencer, [draft(EntryKind.INTENT)])
    (tmp_path / "keys" / "evidence.key").unlink()
    async with database.transaction() as tx:
        await append(tx, draft(EntryKind.INTENT), STAMP)
    with pytest.raises(EvidenceError, match="the log is signed by"):
        await sequencer.run_once()


async def test_a_new_key_follows_in_the_open(database, tmp_path):
    """Design section 9: rotation is an entry signed by both; later checkpoints are the new key's."""
    sequencer = sequencer_of(database, tmp_path)
    old = sequencer.keys.current()
    await write_entries(database, sequencer, [draft(EntryKind.INTENT)])
    new = await rotate(database, sequencer.keys, AT, STAMP)
    await write_entries(database, sequencer, [draft(EntryKind.OUTCOME)])
    async with database.transaction() as tx:
        heads = await log.checkpoints_after(tx, 0, 10)
        assert [head.key for head in heads] == [old.fingerprint, new.fingerprint]
        assert await public_keys(tx, sequencer.keys) == (new.public, old.public)
        assert (await verify_log(tx, [old.public, new.public])).holds
        assert not (await verify_log(tx, [old.public])).holds


async def test_erasing_takes_the_person_out_and_leaves_every_proof(database, tmp_path):
    """T-19, I14: no byte of personal data is left, and the whole log still verifies."""
    sequencer = sequencer_of(database, tmp_path)
    await write_history(database, sequencer)
    async with database.transaction() as tx:
        assert await erase(tx, LEAVER, AT, STAMP) == 2
    await sequencer.run_once()
    everything = await rows(
        database,
        "SELECT string_agg(encode(content, 'escape'), ' ') AS all FROM"
        " (SELECT content FROM entry UNION ALL SELECT content FROM entry_personal) AS kept",
    )
    assert "zoe" not in everything[0]["all"].lower()
    assert "zmueller" not in everything[0]["all"]
    assert (await checked(database, sequencer, sequencer.copies[0].all())).holds


async def test_the_same_person_is_committed_to_differently_each_time(database):
    """Without the salt nobody can try names against the leaves."""
    same = {"name": "Zoë"}
    async with database.transaction() as tx:
        ids = [await append(tx, draft(EntryKind.INTENT, personal=same), STAMP) for _ in range(2)]
        seals = [json.loads((await stored(tx, entry)).content)["personal"] for entry in ids]
    assert len(set(seals)) == 2


async def test_a_spooled_intent_comes_into_the_log_once(database, tmp_path):
    """Design section 9: only the urgent leave may write its intent beside the log, and it says so."""
    spool = Spool(tmp_path / "spool")
    spooled = spool.write(draft(EntryKind.INTENT, personal={"name": "Zoë"}), STAMP)
    copy = spool.waiting()[0].read_bytes()
    assert await spool.merge(database) == 1
    assert spool.waiting() == ()
    (tmp_path / "spool" / f"{spooled}.json").write_bytes(copy)  # cut off between commit and unlink
    assert await spool.merge(database) == 0
    async with database.transaction() as tx:
        assert json.loads((await stored(tx, spooled)).content)["spooled"] is True
        assert len(await log.personal_of(tx, [spooled])) == 1
    sequencer = sequencer_of(database, tmp_path)
    await sequencer.run_once()
    assert (await checked(database, sequencer)).holds


async def test_a_spooled_file_that_was_changed_is_named_and_stays(database, tmp_path):
    spool = Spool(tmp_path / "spool")
    spool.write(draft(EntryKind.INTENT), STAMP)
    path = spool.waiting()[0]
    values = json.loads(path.read_bytes())
    path.write_text(json.dumps(values | {"content": values["content"].swapcase()}))
    with pytest.raises(EvidenceError, match="not what was written"):
        await spool.merge(database)
    assert spool.waiting() == (path,)
    assert await rows(database, "SELECT 1 FROM entry") == []


async def test_a_change_of_keys_that_was_cut_off_does_not_lose_the_new_key(database, tmp_path):
    """The entry is committed, the key file not yet in place; the next change must not throw the waiting key away."""
    sequencer = sequencer_of(database, tmp_path)
    await write_entries(database, sequencer, [draft(EntryKind.INTENT)])
    kept = (tmp_path / "keys" / "evidence.key").read_bytes()
    first = await rotate(database, sequencer.keys, AT, STAMP)
    (tmp_path / "keys" / "evidence.key").rename(tmp_path / "keys" / "evidence.key.next")
    (tmp_path / "keys" / "evidence.key").write_bytes(kept)
    (tmp_path / "keys" / "evidence.key").chmod(0o600)
    second = await rotate(database, sequencer.keys, AT, STAMP)
    await sequencer.run_once()
    async with database.transaction() as tx:
        assert (await public_keys(tx, sequencer.keys))[:2] == (second.public, first.public)
        verdict = await verify_log(tx, await public_keys(tx, sequencer.keys))
    assert verdict.holds, verdict.problems
